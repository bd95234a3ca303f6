import json

from pare.analysis.starts import start_results


def write(folder, method, seed, *, test, variant="", overridden=None, metric="rmse", protocol="validated"):
    path = folder / (f"{method}-{variant}" if variant else method) / f"seed_{seed}" / "metrics.json"
    path.parent.mkdir(parents=True)
    metrics = {"method": method, "variant": variant, "seed": seed, "test": test, "protocol": protocol}
    path.write_text(json.dumps(metrics | {"metric": {"name": metric}, "overridden": overridden or {}}))


def test_runs_that_differ_in_their_start_are_found_with_the_start_of_their_command_or_model(tmp_path):
    results, models = tmp_path / "results", tmp_path / "models"
    write(results, "pare", 0, test=0.3)
    record = models / "pare" / "seed_0" / "model" / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"run": {"mixing": {"start": 0.3}}}))
    write(results, "pare", 1, test=0.31)  # neither its command nor a model tells where it started
    write(results, "pare", 0, test=0.1, variant="start_10", overridden={"mixing.start": 0.1})
    write(results, "pare_random_patches", 0, test=0.5, variant="start_10", overridden={"mixing.start": 0.1})
    write(results, "finetune", 0, test=0.4)
    for ignored in (
        {"method": "pare", "variant": "half", "overridden": {"training.fraction": 0.5}},
        {"method": "mixup"},
        {"method": "pare", "variant": "start_50", "overridden": {"mixing.start": 0.5}, "metric": "mae"},
        {"method": "pare", "variant": "start_70", "overridden": {"mixing.start": 0.7}, "protocol": "paper"},
    ):
        write(results, seed=0, test=0.0, **ignored)
    table = start_results(results, models, metric="rmse", protocol="validated")
    assert {tuple(line) for line in table.itertuples(index=False)} == {
        ("pare", "", 0, 0.3, 0.3),
        ("pare", "start_10", 0, 0.1, 0.1),
        ("pare_random_patches", "start_10", 0, 0.1, 0.5),
        ("finetune", "", 0, 0.0, 0.4),
    }


def test_a_task_without_results_gives_an_empty_table(tmp_path):
    assert start_results(tmp_path, tmp_path, metric="rmse", protocol="validated").empty
