import pytest
import torch
from torch.nn import functional as F

from pare.config import PareError
from pare.config.hyperparameters import MixingConfig, TrainingConfig
from pare.learners.networks.draws import Draws, Generators
from pare.learners.networks.mixing.mixers import MIXERS
from pare.learners.networks.mixing.selection import gumbel
from pare.learners.networks.models import build_model, load_backbone
from pare.learners.networks.training.losses import build_loss
from pare.learners.networks.training.objective import Objective, check_mixing

TOKENS, TOPICS, BATCH = 6, 3, 4
WEIGHTS = TrainingConfig(
    epochs=1, batch_size=BATCH, learning_rate=1, beta_target=0.7, beta_mixed=1.3, source_weight=0.4
)
MIXING = MixingConfig(start=0.9)


@pytest.fixture
def model(table_run, tiny_bert):
    torch.manual_seed(0)
    return build_model(table_run().task, load_backbone(tiny_bert, (TOKENS,)), TOPICS).eval()


@pytest.fixture
def batch():
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(BATCH, TOKENS, generator=rng)
    ids = torch.randint(5, 31, (BATCH, TOKENS), generator=rng)
    return x, torch.tensor([0, 1, 1, 0]), ids, torch.tensor([2, 0, 1, 1])


def objective(model, mixing=MIXING, weights=WEIGHTS):
    return Objective(model, build_loss("cross_entropy", "classification"), weights, mixing)


def noise(seed=2):
    return gumbel((2, BATCH, TOKENS), device=torch.device("cpu"), generator=torch.Generator().manual_seed(seed))


def test_without_replaced_tokens_the_mixed_batch_is_the_target_batch(model, batch):
    terms = objective(model)(*batch, k=0)
    assert terms.target.item() == pytest.approx(F.cross_entropy(model(batch[0]), batch[1]).item(), rel=1e-6)
    assert terms.total.item() == pytest.approx((0.7 + 1.3) * terms.target.item(), rel=1e-6)
    assert terms.mixed_target is terms.source is terms.mixture is None


def test_a_method_that_does_not_mix_has_the_target_loss_alone(model, batch):
    terms = objective(model, mixing=None)(*batch[:2])
    assert terms.total.item() == pytest.approx(0.7 * terms.target.item(), rel=1e-6)


@pytest.mark.parametrize("k", [1, 4, TOKENS])
def test_the_total_is_equations_1_and_2_of_the_paper(model, batch, k):
    terms = objective(model)(*batch, k=k, noise=noise())
    share = k / TOKENS
    mixed = (1 - share) * terms.mixed_target + share * 0.4 * terms.source  # equation (1)
    assert terms.total.item() == pytest.approx((0.7 * terms.target + 1.3 * mixed).item(), rel=1e-6)  # equation (2)
    assert terms.mixture.replaced.sum(1).tolist() == [k] * BATCH


def test_one_concatenated_pass_equals_two_separate_ones(model, batch):
    x, y, ids, topics = batch
    terms = objective(model)(*batch, k=3, noise=noise())
    tokens = model.embed(x).tokens
    mixture = objective(model).mix(tokens, ids, 3, noise())
    features = model.encode(mixture.tokens)
    wanted = (
        F.cross_entropy(model(x), y),
        F.cross_entropy(model.predict_target(features), y),
        F.cross_entropy(model.predict_source(features), topics),
    )
    for term, loss in zip((terms.target, terms.mixed_target, terms.source), wanted, strict=True):
        assert term.item() == pytest.approx(loss.item(), rel=1e-5)
    assert torch.equal(mixture.replaced, terms.mixture.replaced)


def test_one_pass_encodes_mixed_rows_alone_and_has_the_same_loss_of_them(model, batch, monkeypatch):
    alone, with_target = MIXING.model_copy(update={"passes": 1}), objective(model)
    encoded = []
    encode = model.encode
    monkeypatch.setattr(model, "encode", lambda tokens: encoded.append(len(tokens)) or encode(tokens))
    terms = objective(model, alone)(*batch, k=3, noise=noise())
    both = with_target(*batch, k=3, noise=noise())
    assert terms.target is None
    assert terms.total.item() == pytest.approx((both.total - 0.7 * both.target).item(), rel=1e-5)
    assert encoded == [BATCH, 2 * BATCH]
    plain = objective(model, alone)(*batch, k=0)
    assert plain.total.item() == pytest.approx(1.3 * plain.target.item(), rel=1e-6)  # mixed rows with nothing replaced


def test_replaced_slots_hold_source_tokens_and_the_others_their_own(model, batch):
    tokens = model.embed(batch[0]).tokens
    source = model.embed_source(batch[2])
    mixture = objective(model).mix(tokens, batch[2], 2, noise())
    mixed, replaced = mixture.tokens, mixture.replaced
    assert torch.allclose(mixed[~replaced], tokens[~replaced], atol=1e-6)
    for sample, slots, words in zip(mixed, replaced, source, strict=True):
        assert torch.cdist(sample[slots], words).min(1).values.max() < 1e-5


def test_gate_and_both_predictors_learn_while_mixing_but_the_source_embedder_never_does(model, batch):
    objective(model)(*batch, k=3, noise=noise()).total.backward()
    for part in (model.gate, model.embedder, model.predictor, model.source_predictor):
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
    assert model.backbone.encoder.embeddings.word_embeddings.weight.grad is None


def test_the_generator_decides_which_slots_are_replaced(model, batch):
    one, same, other = (objective(model)(*batch, k=3, noise=noise(seed)).mixture.replaced for seed in (2, 2, 3))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_source_weight_of_zero_silences_the_source(model, batch):
    silent = objective(model, weights=WEIGHTS.model_copy(update={"source_weight": 0.0}))
    silent(*batch, k=3, noise=noise()).total.backward()
    assert model.source_predictor.linear.weight.grad.abs().sum() == 0


def mixed_terms(model, batch, **mixing):
    tokens, settings = model.embed(batch[0]).tokens, MIXING.model_copy(update=mixing)
    objective_ = objective(model, mixing=settings)
    drawn = MIXERS[objective_.mixing.mixer].draw(Draws(Generators(torch.device("cpu"), 2), BATCH), 1, (TOKENS,), 3)
    return objective_.mix(tokens, batch[2], 3, drawn), objective_(*batch, k=3, noise=drawn)


def test_mixup_and_cutmix_weigh_the_two_labels_by_what_they_took(model, batch):
    tokens, source = model.embed(batch[0]).tokens, model.embed_source(batch[2])
    blended, terms = mixed_terms(model, batch, mixer="mixup")
    torch.testing.assert_close(blended.tokens, 0.5 * tokens + 0.5 * source)
    assert blended.replaced is None and terms.mixture.replaced is None and blended.share == 0.5
    block, terms = mixed_terms(model, batch, mixer="cutmix")
    torch.testing.assert_close(block.tokens, torch.where(block.replaced[..., None], source, tokens))
    share = block.share
    mixed = (1 - share) * terms.mixed_target + share * 0.4 * terms.source
    assert terms.total.item() == pytest.approx((0.7 * terms.target + 1.3 * mixed).item(), rel=1e-6)


def test_with_other_target_samples_both_labels_are_the_targets(model, batch):
    x, y, *_ = batch
    mixture, terms = mixed_terms(model, batch, mixer="mixup", partner="target")
    tokens = model.embed(x).tokens
    torch.testing.assert_close(mixture.tokens, 0.5 * tokens + 0.5 * tokens.roll(1, 0))
    prediction = model.predict_target(model.encode(mixture.tokens))
    assert terms.source.item() == pytest.approx(F.cross_entropy(prediction, y.roll(1, 0)).item(), rel=1e-5)


def test_each_label_is_compared_next_to_its_own_anchor(model, batch):
    """With the two anchors' errors mixed alike there is nothing to learn, so neither term has a loss."""
    *_, topics = batch
    y, anchor = torch.randn(2, BATCH, 2)
    step = Objective(model, build_loss("mse", "regression"), WEIGHTS, MIXING.model_copy(update={"partner": "target"}))
    left = y - anchor
    assert step._source_loss((), left.roll(1, 0), y, topics, anchor).item() == pytest.approx(0, abs=1e-12)


def test_masked_tokens_are_zero_and_have_no_label_of_their_own(model, batch):
    mixture, terms = mixed_terms(model, batch, partner="nothing")
    mixed, replaced = mixture.tokens, mixture.replaced
    assert (mixed[replaced] == 0).all() and replaced.sum(1).tolist() == [3] * BATCH
    assert terms.source is None
    assert terms.total.item() == pytest.approx((0.7 * terms.target + 1.3 * terms.mixed_target).item(), rel=1e-6)


def test_a_random_choice_does_not_ask_the_gate(model, batch):
    mixture, terms = mixed_terms(model, batch, selector="random")
    assert mixture.scores is None
    assert mixture.replaced.sum(1).tolist() == [3] * BATCH
    terms.total.backward()
    assert all(p.grad is None for p in model.gate.parameters())


def test_every_shipped_method_has_a_mixer_a_gate_and_a_curriculum_that_exist(library):
    mixing = [library.learner(name).mixing for name in library.learners]
    assert sum(m is not None for m in mixing) > 10
    for settings in mixing:
        if settings:
            check_mixing(settings)


@pytest.mark.parametrize(
    ("key", "near", "meant"),
    [("mixer", "cut_mix", "cutmix"), ("gate", "mlp_droput", "mlp_dropout"), ("curriculum", "linar", "linear")],
)
def test_a_part_of_the_mixing_that_does_not_exist_is_answered_with_the_nearest(key, near, meant):
    with pytest.raises(PareError, match=rf"mixing\.{key} '{near}' is unknown\. Did you mean '{meant}'"):
        check_mixing(MIXING.model_copy(update={key: near}))
