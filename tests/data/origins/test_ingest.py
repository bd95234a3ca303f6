"""One mechanism for everything fetched: once, whole, and with a manifest."""

import hashlib
import json

import pytest

from pare.config.errors import PareError
from pare.config.raw import RawConfig
from pare.data.origins.ingest import ingest
from pare.data.origins.manifest import current_manifest, read_manifest
from pare.data.registries import bind_options
from pare.paper.simulators import darcy_flow as module

SMALL = {"resolution": 9, "train": 2, "test": 1}


def darcy(**options):
    return RawConfig(
        origin="darcy_flow_simulation",
        options=SMALL | options,
        licence="simulated here",
        url="https://example.org",
        simulated=True,
    )


def test_the_manifest_says_what_the_files_are(tmp_path):
    manifest = ingest(darcy(), tmp_path / "raw")
    assert manifest == read_manifest(tmp_path / "raw") == current_manifest(darcy(), tmp_path / "raw")
    assert manifest.simulated and manifest.licence == "simulated here" and manifest.url == "https://example.org"
    assert {record.name for record in manifest.files} == {
        "piececonst_r9_N2_smooth1.mat",
        "piececonst_r9_N1_smooth2.mat",
    }
    for record in manifest.files:
        content = (tmp_path / "raw" / record.name).read_bytes()
        assert (record.bytes, record.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_second_call_does_nothing(tmp_path, monkeypatch):
    first = ingest(darcy(), tmp_path)
    again = "pare.paper.simulators.darcy_flow.darcy_flow_simulation"
    monkeypatch.setattr(again, lambda folder, **_: pytest.fail("called again"))
    assert ingest(darcy(), tmp_path) == first


def test_other_options_replace_the_files_but_never_those_put_there_by_hand(tmp_path):
    ingest(darcy(), tmp_path)
    (tmp_path / "note.txt").write_text("mine")
    ingest(darcy(train=3), tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        ".made_here.sha256",
        "manifest.json",
        "note.txt",
        "piececonst_r9_N3_smooth1.mat",
        "piececonst_r9_N1_smooth2.mat",
    }


@pytest.mark.parametrize("harm", ["missing", "manifest", "no manifest"])
def test_harm_is_noticed_and_mended(tmp_path, harm):
    before = ingest(darcy(), tmp_path)
    path = tmp_path / (before.files[0].name if harm == "missing" else "manifest.json")
    if harm in ("missing", "no manifest"):
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])
    assert current_manifest(darcy(), tmp_path) is None
    assert ingest(darcy(), tmp_path).files == before.files


@pytest.mark.parametrize("earlier", ["no run", "a whole run", "a killed run"])
def test_a_publishers_file_put_there_by_hand_is_never_replaced_by_a_simulation(tmp_path, monkeypatch, earlier):
    path = tmp_path / "piececonst_r9_N1_smooth2.mat"
    if earlier == "a whole run":
        ingest(darcy(), tmp_path)
    elif earlier == "a killed run":
        break_off_after_one_file(tmp_path, monkeypatch)
    path.write_bytes(b"the only copy")
    with monkeypatch.context() as patch:
        patch.setattr("pare.paper.simulators.darcy_flow.solve_darcy", lambda *_, **__: pytest.fail("time was lost"))
        with pytest.raises(PareError, match=r"smooth2.mat \(13 bytes\) was not made by PaRe.*files: \[.*smooth2.mat\]"):
            ingest(darcy(), tmp_path)
    assert path.read_bytes() == b"the only copy"
    assert current_manifest(darcy(), tmp_path) is None
    path.rename(tmp_path / "kept.mat")  # as the message says
    assert ingest(darcy(), tmp_path) == current_manifest(darcy(), tmp_path)


def test_a_link_put_there_by_hand_is_never_replaced_by_a_simulation(tmp_path):
    path = tmp_path / "piececonst_r9_N2_smooth1.mat"
    path.symlink_to(tmp_path / "a disk that is not there")
    with pytest.raises(PareError, match="a link to a path that does not exist"):
        ingest(darcy(), tmp_path)
    assert path.is_symlink()


def test_a_file_put_there_by_hand_during_a_simulation_is_left(tmp_path, monkeypatch):
    path = tmp_path / "piececonst_r9_N2_smooth1.mat"
    write = module.write_mat73

    def write_slowly(*args):
        write(*args)
        path.write_bytes(b"the only copy")

    monkeypatch.setattr(module, "write_mat73", write_slowly)
    with pytest.raises(PareError, match="was not made by PaRe"):
        ingest(darcy(), tmp_path)
    assert path.read_bytes() == b"the only copy"


def test_other_options_do_not_remove_a_file_that_the_user_put_over_one_that_was_made(tmp_path):
    ingest(darcy(), tmp_path)
    path = tmp_path / "piececonst_r9_N2_smooth1.mat"
    path.write_bytes(b"the only copy")
    ingest(darcy(train=3), tmp_path)
    assert path.read_bytes() == b"the only copy"


def test_a_table_put_there_by_hand_is_not_replaced_by_that_of_a_package(tmp_path):
    (tmp_path / "dataset.arff").write_text("mine")
    with pytest.raises(PareError, match="was not made by PaRe"):
        ingest(RawConfig(origin="scikit_learn_wdbc", licence="-"), tmp_path)
    assert (tmp_path / "dataset.arff").read_text() == "mine"


def test_after_a_run_that_was_killed_between_its_files_the_next_one_makes_them_all(tmp_path, monkeypatch):
    break_off_after_one_file(tmp_path, monkeypatch)
    assert len(ingest(darcy(), tmp_path).files) == 2


def break_off_after_one_file(folder, monkeypatch):
    """Leave what a run leaves that is killed between its two files: the first of them, and no manifest."""

    def interrupt(path, resolution, count, fields):
        if count == 1:
            raise KeyboardInterrupt
        write(path, resolution, count, fields)

    write = module.write_mat73
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_mat73", interrupt)
        with pytest.raises(KeyboardInterrupt):
            ingest(darcy(), folder)
    assert [path.name for path in folder.glob("*.mat")] == ["piececonst_r9_N2_smooth1.mat"]
    assert read_manifest(folder) is None


def test_a_run_that_breaks_off_leaves_no_manifest_and_no_half_file(tmp_path, monkeypatch):
    def interrupt(coefficient, tolerance):
        raise KeyboardInterrupt

    monkeypatch.setattr("pare.paper.simulators.darcy_flow.solve_darcy", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ingest(darcy(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_origin_names_the_one_that_was_meant(tmp_path):
    with pytest.raises(PareError, match=r"'darcy_flow_simulaton' is unknown. Did you mean 'darcy_flow_simulation'"):
        ingest(RawConfig(origin="darcy_flow_simulaton", licence="-"), tmp_path)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"trian": 3}, "trian: .*Valid options: resolution \\(421\\), train \\(1000\\)"),
        ({"train": "many"}, "train: .*integer"),
        ({"resolution": 2}, "resolution: .*greater than or equal to 3"),
        ({"folder": "/elsewhere"}, "folder"),
    ],
)
def test_wrong_options_are_named_with_the_valid_ones(tmp_path, options, message):
    with pytest.raises(PareError, match=message):
        ingest(darcy(**options), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_required_option_that_is_missing_is_named(tmp_path):
    with pytest.raises(PareError, match=r"files: .*Valid options: files"):
        ingest(RawConfig(origin="download", licence="-"), tmp_path)


def test_bound_options_carry_the_defaults_and_the_declared_types(tmp_path):
    def reader(folder, stride: int = 5, target: str | None = None):
        return folder, stride, target

    assert bind_options("reader", "r", reader, {"stride": "3"})(tmp_path) == (tmp_path, 3, None)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(PareError, match="cannot replace"):
        ingest(darcy(), tmp_path / "file" / "raw")


def test_a_full_disk_is_no_traceback(tmp_path, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pare.data.origins.package_files.mnist_digits", full)
    with pytest.raises(PareError, match="No space left"):
        ingest(RawConfig(origin="mnist_digits", licence="-"), tmp_path)


def test_a_manifest_that_points_out_of_its_folder_is_not_believed(tmp_path):
    ingest(darcy(), tmp_path / "raw")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    path = tmp_path / "raw" / "manifest.json"
    content = json.loads(path.read_text())
    content["files"][0]["name"] = "../victim"
    path.write_text(json.dumps(content))
    ingest(darcy(train=3), tmp_path / "raw")
    assert victim.read_text() == "mine"


def test_ingest_imports_no_deep_learning_library():
    import subprocess
    import sys

    heavy = (
        "import sys, pare.data.origins.ingest; print({'torch', 'transformers', 'openml', 'onnx'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", heavy], text=True).strip() == "set()"
