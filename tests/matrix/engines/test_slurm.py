"""Arrays of SLURM: every job in one bundle, within the limits; and what of a bundle can be run now."""

import random
from types import SimpleNamespace

import pytest

from pare.config import PareError
from pare.matrix.blocks import expand, unique
from pare.matrix.cost import Cost, Costs
from pare.matrix.engines.slurm import (
    CPU,
    GPU,
    INPUTS,
    Array,
    Limits,
    Submission,
    arrays_of,
    part_of,
    read_submission,
    time_limit,
)
from pare.matrix.plan import Job, Plan, make_plan

HOUR = 3600.0
KINDS = {INPUTS: lambda job: job.prepares, GPU: lambda job: job.on_accelerator}


def plan_of(*jobs):
    return Plan("base", {job.name: job for job in jobs}, len(jobs), 0, "as was measured")


def run(name, seconds=60.0, **more):
    return Job(
        name, "mine", f"kedro run --params {name}", seconds=seconds, memory_mb=more.pop("memory_mb", 900.0), **more
    )


def runs(*hours, **more):
    """Runs of so many hours, which come in the order of a plan."""
    return [run(f"run-{place}", HOUR * each, **more) for place, each in enumerate(sorted(hours, reverse=True))]


def raw(name, *needs):
    return Job(name, "mine", "kedro run --pipelines=ingest", needs, prepares=True)


def any_plan(seed):
    """A plan of some inputs, runs with networks, and runs without, as `make_plan` orders them."""
    draw = random.Random(seed)
    jobs = []
    for task in range(draw.randint(1, 9)):
        jobs.append(raw(f"raw-{task}"))
        jobs += [raw(f"input-{task}-{fold}", f"raw-{task}") for fold in range(draw.randint(1, 3))]
    jobs += [raw(f"encoder-{number}") for number in range(draw.randint(0, 2))]
    learnt = [
        run(
            f"run-{number}",
            seconds=draw.lognormvariate(7, 2),
            on_accelerator=draw.random() < 0.6,
            timed=draw.random() < 0.7,
            memory_mb=draw.choice([0.0, 700.0, 21000.0]),
        )
        for number in range(draw.randint(1, 120))
    ]
    return plan_of(*jobs, *sorted(learnt, key=lambda job: -job.seconds))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("elements", [1, 4, 1000])
@pytest.mark.parametrize("share", [1.0, 0.5])
def test_every_job_is_in_one_bundle_of_the_array_of_its_kind_after_what_it_needs(seed, elements, share):
    plan = any_plan(seed)
    arrays = arrays_of(plan, Limits(elements=elements, gpus_per_run=share))
    assert sorted(name for array in arrays.values() for name in array.jobs) == sorted(plan.jobs)
    for array in arrays.values():
        assert 1 <= len(array.bundles) <= elements
        assert all(array.bundles)
        for bundle in array.bundles:
            for place, name in enumerate(bundle):
                job = plan.jobs[name]
                kind = next((kind for kind, suits in KINDS.items() if suits(job)), CPU)
                assert kind == array.name
                assert not job.prepares or {*job.needs} <= {*bundle[:place]}


@pytest.mark.parametrize("seed", range(20))
def test_a_bundle_takes_no_longer_than_asked_unless_one_run_does(seed):
    plan = any_plan(seed)
    for array in arrays_of(plan, Limits(bundle_hours=2.0)).values():
        for bundle in array.bundles:
            known = sum(plan.jobs[name].seconds for name in bundle)
            assert known <= 2 * HOUR or len(bundle) == 1
            assert known <= array.seconds


def test_bundles_are_filled_the_longest_run_first():
    plan = plan_of(*runs(3, 3, 2, 2, 1, 0.5))
    assert arrays_of(plan, Limits())[CPU].bundles == [["run-0"], ["run-1"], ["run-2", "run-3"], ["run-4", "run-5"]]


def test_bundles_become_larger_where_an_array_may_not_have_as_many_elements():
    plan = plan_of(*runs(*[1.0] * 100))
    assert [len(bundle) for bundle in arrays_of(plan, Limits())[CPU].bundles] == [4] * 25
    fewer = arrays_of(plan, Limits(elements=10))[CPU]
    assert [len(bundle) for bundle in fewer.bundles] == [10] * 10
    assert fewer.seconds == pytest.approx(10 * HOUR)


def test_no_bundle_is_filled_beyond_the_longest_time_limit():
    plan = plan_of(*runs(*[0.5] * 4))
    assert len(arrays_of(plan, Limits(hours=1.0))[CPU].bundles) == 2


def test_an_input_and_an_untimed_fit_count_a_quarter_of_an_hour():
    jobs = [run(f"run-{number}", 12.0, timed=False) for number in range(17)]
    array = arrays_of(plan_of(*jobs), Limits())[CPU]
    assert [len(bundle) for bundle in array.bundles] == [16, 1]
    assert (array.seconds, array.untimed) == (4 * HOUR, 17)
    assert arrays_of(plan_of(raw("raw-a")), Limits())[INPUTS].seconds == 0.25 * HOUR


def test_inputs_of_one_chain_stay_together_and_others_are_apart():
    jobs = [raw("raw-a"), raw("raw-b"), raw("input-a", "raw-a"), raw("input-ab", "raw-a", "raw-b"), raw("raw-c")]
    bundles = arrays_of(plan_of(*jobs), Limits(bundle_hours=0.5))[INPUTS].bundles
    assert [{*bundle} for bundle in bundles] == [{"raw-a", "raw-b", "input-a", "input-ab"}, {"raw-c"}]
    assert bundles[0].index("input-ab") > max(bundles[0].index("raw-a"), bundles[0].index("raw-b"))


def test_runs_that_share_a_gpu_fill_a_bundle_with_so_many_times_the_work():
    plan = plan_of(*runs(*[1.0] * 16, on_accelerator=True))
    array = arrays_of(plan, Limits(gpus_per_run=0.5))[GPU]
    assert ([len(bundle) for bundle in array.bundles], array.together) == ([8, 8], 2)
    assert array.seconds == 4 * HOUR
    assert arrays_of(plan_of(*runs(3.0, 1.0, on_accelerator=True)), Limits(gpus_per_run=0.5))[GPU].seconds == 3 * HOUR


def test_a_cluster_without_gpus_has_no_array_of_them():
    plan = plan_of(run("network", on_accelerator=True), run("booster"))
    assert {name: array.jobs for name, array in arrays_of(plan, Limits(gpus_per_run=0)).items()} == {
        CPU: ["network", "booster"]
    }


@pytest.mark.parametrize(("known", "asked"), [([900.0], 8192.0), ([900.0, 20000.0], 30000.0), ([900.0, 0.0], 16384.0)])
def test_memory_has_a_margin_and_is_a_guess_where_it_is_unknown(known, asked):
    jobs = [run(f"run-{place}", memory_mb=each) for place, each in enumerate(known)]
    array = arrays_of(plan_of(*jobs), Limits())[CPU]
    assert (array.memory_mb, array.unmeasured) == (asked, known.count(0.0))


@pytest.mark.parametrize(
    ("hours", "longest", "limit"),
    [(0.01, 24, "0:30:00"), (0.3, 24, "0:36:00"), (4, 24, "8:00:00"), (19.3, 24, "24:00:00"), (30, 72, "60:00:00")],
)
def test_the_time_limit_is_twice_the_estimate_within_its_bounds(hours, longest, limit):
    assert time_limit(Array(CPU, [["a"]], hours * HOUR, 900.0), Limits(hours=longest)) == limit


def test_arrays_are_read_back_as_they_were_written(tmp_path):
    plan = any_plan(1)
    submission = Submission(plan, arrays_of(plan, Limits()), "paper", {"only": "openml_*", "params": {"seed": 1}})
    assert read_submission(submission.write(tmp_path)) == submission


def test_a_plan_without_arrays_is_told_with_its_path(tmp_path):
    path = any_plan(1).write(tmp_path)
    with pytest.raises(PareError, match=r"plan\.json has no arrays .*; write it: kedro matrix run --engine slurm"):
        read_submission(path)


def test_a_bundle_is_named_by_its_number_and_all_by_none(tmp_path):
    array = Array(CPU, [["a", "b"], ["c"]], HOUR, 900.0)
    assert (array.bundle(1), array.jobs) == (["c"], ["a", "b", "c"])
    with pytest.raises(PareError, match="array cpu has bundles 0 to 1, found 2"):
        array.bundle(2)
    with pytest.raises(PareError, match="'gpu'"):
        Submission(any_plan(1), {CPU: array}).array(GPU)


@pytest.fixture
def mine(own_library, parameters, prepare_input, tmp_path):
    """Two boosters of a table of the user's own, as runs and as arrays; ``prepare`` brings their input."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "mine.csv").write_text("mass,count,kind\n" + "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(40)))
    data = tmp_path / "data"

    def cells(**block):
        block = {"tasks": ["mine"], "methods": ["catboost", "xgboost"], "seeds": [0]} | block
        return unique(expand({"blocks": {"own": block}}, own_library, parameters))

    found = cells()
    plan = make_plan("own", found, Costs({name: Cost(60.0, 900.0) for name in found}, "as was measured"), data)
    submission = Submission(plan, arrays_of(plan, Limits()))

    def part(array, known=None, done=()):
        names = submission.array(array).jobs
        return part_of(submission, names, known or found, data, lambda job: job.name not in done)

    return SimpleNamespace(cells=cells, part=part, prepare=lambda: prepare_input(found["mine-catboost-0"].run))


def test_a_run_whose_input_is_missing_is_refused_and_a_run_that_is_done_is_not(mine):
    part, refused = mine.part(CPU, done=["mine-xgboost-0"])
    assert not part.jobs
    assert refused == {"mine-catboost-0": "not there: raw-mine, input-mine; see the logs of these"}


def test_runs_whose_input_is_there_are_run_in_the_order_of_the_bundle(mine):
    mine.prepare()
    part, refused = mine.part(CPU)
    assert ([*part.jobs], refused) == (["mine-catboost-0", "mine-xgboost-0"], {})
    assert {job.needs for job in part.jobs.values()} == {()}
    assert [*mine.part(CPU, done=["mine-catboost-0"])[0].jobs] == ["mine-xgboost-0"]


def test_inputs_are_prepared_unless_they_are_there(mine):
    part, refused = mine.part(INPUTS)
    assert ({name: job.needs for name, job in part.jobs.items()}, refused) == (
        {"raw-mine": (), "input-mine": ("raw-mine",)},
        {},
    )
    mine.prepare()
    assert not mine.part(INPUTS)[0].jobs


def test_a_job_that_the_configuration_has_no_more_is_refused_by_name(mine):
    message = (
        r"the plan is older than the configuration: mine-xgboost-0 is not in the matrix as `kedro run .*`; plan anew"
    )
    with pytest.raises(PareError, match=message):
        mine.part(CPU, known=mine.cells(methods=["catboost"]))
    with pytest.raises(PareError, match="mine-catboost-0 is not in the matrix"):  # the same name, another command
        mine.part(CPU, known=mine.cells(variants={"": {"options.bags": 2}}))
    with pytest.raises(PareError, match="raw-mine is not in the matrix"):
        mine.part(INPUTS, known=mine.cells(folds=2))
