"""The archive of FSD50K, good, and damaged in the ways that users' archives are; and its spectrograms."""

import numpy as np
import pytest
import scipy.signal

from pare.config.errors import PareError
from pare.paper.readers.audio import fsd50k_chunks, log_mel
from publisher_archives import read_zip, rewrite_zip, write_zip
from publisher_sounds import wav, write_fsd50k


def reference(sound):
    """The spectrogram by scipy and the formulas of the HTK book: triangles between equal steps of mel."""
    window = np.pad(scipy.signal.get_window("hann", 661), (629, 630))
    frames = np.pad(sound.astype(float), 960, mode="reflect")
    frequencies, _, spectrum = scipy.signal.stft(
        frames, 22_050, window, nperseg=1920, noverlap=1920 - 220, boundary=None, padded=False
    )
    power = np.abs(spectrum * window.sum()) ** 2
    mel = np.linspace(0, 2595 * np.log10(1 + 11_025 / 700), 98)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bands = []
    for low, middle, high in zip(edges, edges[1:], edges[2:], strict=False):
        rise, fall = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
        bands.append(np.maximum(0, np.minimum(rise, fall)) @ power)
    decibels = 10 * np.log10(np.maximum(bands, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    return np.pad(decibels - decibels.mean(), ((0, 0), (0, 1)))


def all_chunks(written, part):
    """Every chunk as ``(clip, names of its labels, spectrogram)``."""
    return [
        (clip, names, log_mel(sound.astype(np.float32) / 32_768))
        for clip, (names, chunks) in written[part].items()
        for sound in chunks
    ]


def recognised(chunks, spectrogram):
    """Which of the chunks a row is."""
    found = [i for i, chunk in enumerate(chunks) if np.array_equal(chunk[2], spectrogram)]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("kind", ["noise", "tone", "click", "fading"])
def test_the_spectrogram_is_the_one_of_scipy_and_the_mel_formula(kind):
    draw, time = np.random.default_rng(0), np.arange(22_050) / 22_050
    sound = {
        "noise": draw.normal(0, 0.1, 22_050),
        "tone": 0.5 * np.sin(2 * np.pi * 440 * time),
        "click": (np.arange(22_050) == 9000) * 1.0,
        "fading": draw.normal(0, 0.1, 22_050) * 10 ** (-5 * time),
    }[kind].astype(np.float32)
    spectrogram = log_mel(sound)
    assert spectrogram.shape == (96, 102) and (spectrogram[:, -1] == 0).all()
    assert abs(spectrogram.mean()) < 1e-3
    np.testing.assert_allclose(spectrogram, reference(sound), atol=2e-3)


def test_silence_has_a_spectrogram_of_zeros():
    assert (log_mel(np.zeros(22_050, np.float32)) == 0).all()


def test_training_rows_are_one_chunk_of_each_clip_with_the_labels_of_the_clip(tmp_path):
    written = write_fsd50k(tmp_path)
    samples = fsd50k_chunks(tmp_path)["train"]
    x, y = samples.read(0, samples.count)
    assert x.shape == (12, 1, 96, 102) and y.shape == (12, 200) and x.dtype == y.dtype == np.float32
    assert samples.classes == written["labels"]
    chunks, clips = all_chunks(written, "tr"), []
    for spectrogram, labels in zip(x[:, 0], y, strict=True):
        clip, names, _ = chunks[recognised(chunks, spectrogram)]
        clips.append(clip)
        assert {written["labels"][code] for code in np.flatnonzero(labels)} == set(names)
    assert sorted(clips) == sorted(written["tr"])


def test_more_chunks_of_a_training_clip_are_different_ones_and_the_seed_chooses(tmp_path):
    written = write_fsd50k(tmp_path)
    chunks = all_chunks(written, "tr")
    samples = fsd50k_chunks(tmp_path, chunks_per_clip=3)["train"]
    rows = [recognised(chunks, spectrogram) for spectrogram in samples.read(0, samples.count)[0][:, 0]]
    clips = [chunks[row][0] for row in rows]
    assert len(set(rows)) == len(rows)
    assert {clip: clips.count(clip) for clip in clips} == {c: min(3, len(s)) for c, (_, s) in written["tr"].items()}
    np.testing.assert_array_equal(np.equal.outer(samples.groups, samples.groups), np.equal.outer(clips, clips))
    first, again, other = (fsd50k_chunks(tmp_path, seed=seed)["train"].read(0, 12)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_test_rows_are_all_chunks_grouped_by_clip(tmp_path):
    written = write_fsd50k(tmp_path)
    chunks = all_chunks(written, "eval")
    samples = fsd50k_chunks(tmp_path)["test"]
    rows = [recognised(chunks, spectrogram) for spectrogram in samples.read(0, samples.count)[0][:, 0]]
    assert sorted(rows) == list(range(len(chunks)))
    clips = [chunks[row][0] for row in rows]
    np.testing.assert_array_equal(np.equal.outer(samples.groups, samples.groups), np.equal.outer(clips, clips))


def test_a_fixed_number_of_test_chunks_runs_from_the_first_to_the_last_of_each_clip(tmp_path):
    written = write_fsd50k(tmp_path)
    chunks = all_chunks(written, "eval")
    samples = fsd50k_chunks(tmp_path, test_chunks_per_clip=3)["test"]
    assert samples.count == 36
    rows = [recognised(chunks, spectrogram) for spectrogram in samples.read(0, 36)[0][:, 0]]
    at = 0
    for _, sounds in written["eval"].values():
        expected = {1: [0, 0, 0], 2: [0, 0, 1], 3: [0, 1, 2], 4: [0, 2, 3]}[len(sounds)]
        assert rows[:3] == [at + step for step in expected]
        rows, at = rows[3:], at + len(sounds)


def test_a_row_is_the_same_however_it_is_read(tmp_path):
    write_fsd50k(tmp_path)
    for part in fsd50k_chunks(tmp_path).values():
        for a, b in zip(part.read(3, 5), part.read(0, part.count), strict=True):
            np.testing.assert_array_equal(a, b[3:5])


def test_a_short_chunk_is_repeated_and_a_long_one_cut_to_a_second(tmp_path):
    written = write_fsd50k(tmp_path, clips=1)
    ((_, (sound,)),) = written["eval"].values()
    short = sound[:9000]
    rewrite_zip(tmp_path / "audio.zip", lambda name, content: wav(short) if "chunks/eval/" in name else content)
    repeated = np.concatenate([short, short, short])[:22_050].astype(np.float32) / 32_768
    np.testing.assert_array_equal(fsd50k_chunks(tmp_path)["test"].read(0, 1)[0][0, 0], log_mel(repeated))
    rewrite_zip(
        tmp_path / "audio.zip", lambda name, content: wav(np.tile(sound, 2)) if "chunks/eval/" in name else content
    )
    whole = log_mel(sound.astype(np.float32) / 32_768)
    np.testing.assert_array_equal(fsd50k_chunks(tmp_path)["test"].read(0, 1)[0][0, 0], whole)


def test_another_folder_around_everything_makes_no_difference(tmp_path):
    write_fsd50k(tmp_path)
    expected = fsd50k_chunks(tmp_path)["test"].read(0, 5)
    members = {
        name.replace("data/", "audio/", 1): content for name, content in read_zip(tmp_path / "audio.zip").items()
    }
    write_zip(tmp_path / "audio.zip", members)
    for a, b in zip(fsd50k_chunks(tmp_path)["test"].read(0, 5), expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "ending, content, message",
    [
        ("tr.csv", None, "holds no chunks/tr.csv; expected one"),
        ("eval.csv", None, "does not hold data/chunks/eval.csv"),
        ("eval.csv", b"files,ext\n", "eval.csv cannot be read .*expected columns files, labels, ext"),
        ("eval.csv", b"", "eval.csv cannot be read"),
        ("tr.csv", b"files,labels,ext\ndata/chunks/tr/9.wav,Bark,9\n", "names data/chunks/tr/9.wav, which the archive"),
        (
            "tr.csv",
            b"files,labels,ext\ndata/chunks/tr/1000_0000.wav,Bark,1\n",
            "has labels Bark that",
        ),
        ("lbl_map.json", b'{"Bark": 0, "Meow": 2}', "lbl_map.json is not a table .*0, 1, 2"),
        ("lbl_map.json", b'["Bark"]', "lbl_map.json is not a table"),
        ("lbl_map.json", b'{"Bark', "lbl_map.json is not a table"),
    ],
)
def test_an_archive_whose_index_does_not_fit_is_refused_on_opening(tmp_path, ending, content, message):
    write_fsd50k(tmp_path)
    rewrite_zip(tmp_path / "audio.zip", lambda name, old: content if name.endswith(f"chunks/{ending}") else old)
    with pytest.raises(PareError, match=message):
        fsd50k_chunks(tmp_path)


@pytest.mark.parametrize(
    "content, message",
    [
        (wav(np.zeros(16_000, np.int16), rate=16_000), r"is int16 \(16000,\) at 16000 Hz; expected mono"),
        (wav(np.zeros(22_050, np.int16), channels=2), r"is int16 \(11025, 2\) at 22050 Hz"),
        (wav(np.zeros(0, np.int16)), r"is int16 \(0,\)"),
        (wav(np.zeros(22_050, np.int16))[:20], "cannot be read as sound"),
        (b"ID3", "cannot be read as sound"),
    ],
)
@pytest.mark.filterwarnings("ignore::scipy.io.wavfile.WavFileWarning")
def test_a_chunk_that_is_no_such_sound_is_named_on_reading(tmp_path, content, message):
    write_fsd50k(tmp_path, clips=1)
    rewrite_zip(tmp_path / "audio.zip", lambda name, old: content if "chunks/eval/" in name else old)
    with pytest.raises(PareError, match=rf"chunks/eval/3000_0000.wav {message}"):
        fsd50k_chunks(tmp_path)["test"].read(0, 1)
