"""What the configuration that ships says, in conf/base and conf/paper."""

from functools import cache

import pytest

from pare.config import resolve
from pare.config_loader import load_library
from pare.data.proxies import PROXY_READERS
from pare.data.registries import bind_options, find_origin, open_format
from pare.learners.networks.mixing import Curriculum
from shipped import config_loader


@cache
def shipped(env):
    """The library and the parameters of an environment that ships with the project."""
    loader = config_loader(env)
    return load_library(loader), loader["parameters"]


@pytest.fixture(params=["base", "paper"])
def environment(request):
    return shipped(request.param)


def test_every_entry_that_ships_is_valid_with_every_method(environment):
    library, parameters = environment
    for task in library.tasks:
        resolve(library, parameters | {"task": task}, {})
    for method in library.learners:
        for task in ("darcy_flow", "openml_wdbc"):
            if method not in ("probe", "choose") or library.start_of(library.task(task).kind):
                resolve(library, parameters | {"task": task, "method": method}, {})
    for source in library.sources:
        for proxy in library.source(source).proxy.values():
            library.proxy(proxy)


def test_each_channel_of_a_field_has_a_name_of_its_own(environment):
    library, _ = environment
    fields = [library.task(name).output for name in library.tasks if library.task(name).kind == "field"]
    several = [output for output in fields if output.shape[0] > 1]
    assert several
    for output in several:
        names = output.names("channel")
        assert len(set(names)) == output.shape[0]
        assert not any(" and " in name for name in names)  # two channels in one, and a remark as the third


@pytest.mark.parametrize("method", ["pare", "finetune"])
def test_a_method_has_one_recipe_for_every_number_of_rows(conf, method):
    library, parameters = shipped("base")
    asked = {"task": "darcy_flow", "method": method}
    whole, few = (
        resolve(library, {**parameters, **asked, "training": parameters["training"] | training}, asked)
        for training in ({}, {"fraction": 0.05})
    )
    assert few.training == whole.training.model_copy(update={"fraction": 0.05})
    assert few.mixing == whole.mixing


def test_one_pass_mixes_every_batch_until_batch_norms_are_fixed(conf):
    library, parameters = shipped("base")
    run = resolve(library, parameters | {"task": "darcy_flow", "method": "pare_one_pass"}, {})
    assert (run.mixing.batches, run.mixing.passes, run.mixing.curriculum) == (1, 1, "early")
    k = [Curriculum(run.mixing.start, run.mixing.end, 30, run.mixing.curriculum).tokens(i, 100) for i in range(30)]
    before = k[: round(30 * (1 - run.training.fixed_norms))]
    assert all(one > 0 for one in before[:10]) and not any(before[10:]) and len(before) == 12


def test_every_origin_and_reader_that_ships_exists_and_takes_its_options(environment):
    library, _ = environment
    tasks, proxies = map(library.task, library.tasks), list(map(library.proxy, library.proxies))
    for task in tasks:
        for origin, entry in task.raw.origins.items():
            bind_options("origin", origin, find_origin(origin).load(), entry.options)
        open_format(task.reader)
    for raw in [proxy.raw for proxy in proxies] + [library.source(source).encoder for source in library.sources]:
        bind_options("origin", raw.origin, find_origin(raw.origin).load(), raw.options)
    assert {proxy.reader for proxy in proxies} <= set(PROXY_READERS)


def test_the_paper_environment_starts_at_3000_of_3136_tokens():
    run = resolve(*shipped("paper"), {})
    assert (run.task_name, run.task.grid) == ("darcy_flow", (56, 56))
    assert run.mixing.start * 3136 == pytest.approx(3000)


def test_the_base_environment_needs_no_network(library, parameters):
    for task in library.tasks:
        run = resolve(library, parameters | {"task": task}, {})
        assert not any(find_origin(raw.origin).needs_network for raw in (run.source.encoder, run.proxy.raw))


# Batch, epochs, accumulation, optimiser, learning rate, weight decay: the paper's tables 12 and 13.
PUBLISHED = {
    "cifar100": (32, 60, 32, "SGD", 1e-4, 1e-3),
    "spherical": (32, 60, 4, "AdamW", 1e-4, 1e-1),
    "ninapro": (32, 60, 1, "Adam", 1e-4, 1e-5),
    "fsd50k": (32, 100, 1, "Adam", 1e-4, 5e-5),
    "darcy_flow": (4, 100, 1, "AdamW", 1e-3, 5e-3),
    "psicov": (1, 10, 32, "Adam", 5e-6, 1e-5),
    "cosmic": (4, 60, 1, "AdamW", 1e-3, 0),
    "ecg": (4, 15, 16, "SGD", 1e-6, 1e-1),
    "satellite": (16, 60, 4, "AdamW", 3e-5, 3e-6),
    "deepsea": (16, 13, 1, "Adam", 1e-5, 0),
    "pdebench_advection": (4, 200, 1, "Adam", 1e-4, 1e-5),
    "pdebench_burgers": (4, 200, 1, "Adam", 1e-5, 1e-5),
    "pdebench_diffusion_reaction_1d": (4, 200, 1, "SGD", 1e-3, 1e-5),
    "pdebench_diffusion_sorption": (4, 200, 1, "AdamW", 1e-4, 0),
    "pdebench_navier_stokes_1d": (4, 200, 1, "AdamW", 1e-4, 1e-3),
    "pdebench_darcy": (4, 100, 1, "AdamW", 1e-4, 1e-5),
    "pdebench_shallow_water": (4, 200, 1, "AdamW", 1e-4, 0),
    "pdebench_diffusion_reaction_2d": (4, 200, 1, "Adam", 1e-4, 1e-3),
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_paper_environment_has_the_published_hyperparameters_and_all_rows(conf, name):
    library, parameters = shipped("paper")
    run = resolve(library, parameters | {"task": name}, {})
    t = run.training
    found = (t.batch_size, t.epochs, t.accumulation, t.optimiser, t.learning_rate, t.weight_decay)
    assert found == PUBLISHED[name]
    assert t.fraction == 1 and t.warmup_epochs >= 5 and t.beta_target == t.beta_mixed == t.source_weight == 1
    assert run.mixing.start == pytest.approx(200 / 3136 if name == "cosmic" else 3000 / 3136)
    assert run.source_name == ("swin_base" if len(run.task.input.shape) == 3 else "roberta_base")


def test_variants_differ_from_pare_in_one_thing_only(environment):
    library, parameters = environment
    learners = {name: library.learner(name) for name in library.learners}
    trained = [name for name, one in learners.items() if one.kind == "transformer" and one.is_trained]
    runs = {name: resolve(library, parameters | {"method": name}, {}) for name in trained}
    pare = runs["pare"].mixing.model_dump()
    for name, run in runs.items():
        if run.mixing is None or learners[name].paper == "not in the paper":
            continue
        changed_keys = {key for key, value in run.mixing.model_dump().items() if value != pare[key]}
        allowed = {"target_mixup": {"mixer", "partner"}, "pare": set(), "pare_no_source_loss": set()}
        assert len(changed_keys) == 1 or changed_keys == allowed[name]
        if run.mixing.partner == "source" and name != "pare_no_source_loss":
            assert run.training == runs["pare"].training
