import numpy as np
import torch

from pare.paper.analysis.embeddings import embed, project

CPU = torch.device("cpu")


def test_no_token_replaced_is_the_target_and_all_replaced_the_source(make_model, rows, source):
    found = embed(make_model(), rows, source, [0, 3, 6], CPU)
    np.testing.assert_array_equal(found.mixed[0], found.target)
    np.testing.assert_array_equal(found.mixed[6], found.source)
    assert not np.allclose(found.mixed[3], found.target)
    assert not np.allclose(found.mixed[3], found.source)


def test_an_embedding_is_the_mean_of_the_tokens_that_enter_the_encoder(make_model, rows, source):
    trained = make_model()
    found = embed(trained, rows, source, [0], CPU)
    with torch.no_grad():
        tokens = trained.model.embed(torch.from_numpy(rows["x"])).tokens
        scores = trained.model.gate(tokens)
    np.testing.assert_allclose(found.target, tokens.mean(1).numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.target_scores, scores.numpy(), rtol=1e-5)
    assert found.source.shape == found.target.shape == (24, 32)
    assert found.source_scores.shape == (24, 6)
    assert found.source_y.shape == (24,)


def test_embeddings_are_the_same_each_time(make_model, rows, source):
    first, second = (embed(make_model(), rows, source, [2], CPU) for _ in range(2))
    np.testing.assert_array_equal(first.mixed[2], second.mixed[2])


def test_a_map_has_a_line_a_point_in_the_order_of_the_groups():
    draw = np.random.default_rng(0)
    near, far = draw.normal(size=(20, 4)), 100 + draw.normal(size=(15, 4))
    first, second = (project({"near": near, "far": far}, 0) for _ in range(2))
    assert first["group"].tolist() == ["near"] * 20 + ["far"] * 15
    assert first.equals(second)
    centres = first.groupby("group")[["x", "y"]].mean()
    spread = first.groupby("group")[["x", "y"]].std().to_numpy().mean()
    assert np.linalg.norm(centres.loc["near"] - centres.loc["far"]) > spread
