"""Tiny runs of every kind of learner, and what else is done with them, in a project of their own."""

import hashlib
import json
import logging
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from dvc.cli import main as dvc

from preloaded import kedro
from tiny_encoders import save_tiny_bert

CONF = Path(__file__).parents[2] / "conf"
# Numbers that differ from run to run, and the digests of skops files, which hold the time.
VOLATILE = ("second", "memory", "retrieved", "versions", "files", "written", "checksum")
# Of files that show such numbers, hold the time, or note a file twice, only that they are there counts.
SHOWN = (".png", ".html", ".md", ".skops", ".cbm", ".svg", ".sha256", "dvc.lock", "leaderboard.csv")
BOOSTING = "task=table,method=lightgbm,options.n_estimators=20,options.bags=2"
BOOSTED = (f"kedro run --params {BOOSTING}",)
SAVED = "training.epochs=2,training.checkpoint_minutes=0.0001"  # after each step
FEW = f"{SAVED},training.member_epochs=null,minutes=null"


@dataclass(frozen=True)
class Scenario:
    """Commands of Kedro, and those that come before them undisturbed."""

    commands: tuple[str, ...]
    before: tuple[str, ...] = ()

    def call(self) -> None:
        """Run the commands in this process, which ends at the first that fails."""
        for command in self.commands:
            run(command)


def run(command: str) -> None:
    """Run a command of Kedro, or `dvc`, in the folder of this process, which ends where it fails."""
    program, *arguments = command.split()
    for name in ("dvc", "dvc_data", "dvc_objects"):  # Kedro's log would add the traceback of each error that DVC tells
        logging.getLogger(name).propagate = False
    try:
        code = dvc(arguments) if program == "dvc" else kedro(arguments)
    except SystemExit as end:
        code = end.code
    if code:
        sys.exit(code)


def _learner(params: str) -> Scenario:
    """A learner from the prepared rows to its page."""
    task = params.partition(",")[0]
    return Scenario((f"kedro run --params {params}",), (f"kedro run --pipelines=ingest,preprocess --params {task}",))


SCENARIOS = {
    "task": Scenario(("kedro tasks new table.csv --target kind --name other --force",)),
    "boosting": Scenario(BOOSTED),
    "network": Scenario((f"kedro run --params task=table,method=pare,source=tiny,{SAVED}",)),
    "from_scratch": _learner(f"task=table,method=from_scratch,source=tiny,start=random,{SAVED}"),
    "logistic": _learner("task=table,method=logistic_regression"),
    "xgboost": _learner("task=table,method=xgboost,options.n_estimators=20,options.bags=2"),
    "catboost": _learner("task=table,method=catboost,options.iterations=20,options.bags=2"),
    "kernel_ridge": _learner("task=field,method=kernel_ridge"),
    "u_net": _learner(f"task=field,method=u_net,{FEW}"),
    "fno": _learner(f"task=field,method=fno,{FEW}"),
    "series": _learner("task=series,method=minirocket,options.kernels=84"),
    "choose": _learner("task=table,method=choose,source=tiny"),
    "predict": Scenario((f"kedro run --pipelines=predict --params {BOOSTING},predict=new.csv",), BOOSTED),
    "report": Scenario(("kedro matrix results", "kedro run --pipelines=report --params task=table"), BOOSTED),
    "dvc": Scenario(("dvc repro data/stages/openml_wdbc/dvc.yaml",), ("kedro matrix write",)),
}


def make_project(folder: Path) -> Path:
    """A project with small files of a user's, and an encoder of two layers next to it.

    Returns:
        The folder of the project.
    """
    project, root, local = folder / "project", CONF.parent, folder / "project" / "conf" / "local"
    shutil.copytree(CONF, project / "conf", ignore=shutil.ignore_patterns("local"))
    for name in ("pyproject.toml", "dvc.yaml"):
        shutil.copy(root / name, project)
    for new in (local, project / "src", project / "data", project / ".dvc", folder / "encoder"):
        new.mkdir()
    (project / "src" / "pare").symlink_to(root / "src" / "pare")
    (project / ".dvc" / "config").write_text("[core]\nno_scm = true\nanalytics = false\n")
    cell = {"tasks": ["openml_wdbc"], "methods": ["logistic_regression"], "seeds": [0]}
    _write_yaml(project / "conf" / "base" / "matrix.yml", {"blocks": {"One cell": cell}})
    candidates = {"table": {"folds": 2, "methods": ["probe", "logistic_regression", "pare"]}}
    _write_yaml(local / "learners.yml", {"choose": {"candidates": candidates}})
    encoder = str(save_tiny_bert(folder / "encoder", 16, 64))
    tiny = {
        "title": "A tiny BERT",
        "encoder": {"origin": "hub_encoder", "options": {"id": encoder}, "licence": "none"},
        "size": {"width": 16, "layers": 2, "parameters": 8000},
        "proxy": {"classification": "english_topics", "dense": "english_topics"},
    }
    _write_yaml(local / "sources.yml", {"tiny": tiny})
    write_table(project)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 1, 32, 16)).astype(np.float32)
    np.savez(project / "field.npz", x=x, y=np.roll(x, 1, axis=2))
    np.savez(project / "series.npz", x=rng.normal(size=(60, 1, 40)).cumsum(-1), y=np.arange(60) % 2)
    return project


def write_table(project: Path, seed: int = 0) -> None:
    """A table of the user's, and new rows of it, drawn by a seed."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(120, 3))
    kind = np.array(["fir", "oak", "elm"])[np.digitize(values.sum(1) + rng.normal(size=120) / 2, [-0.7, 0.7])]
    site = np.array(["north", "south"])[rng.integers(0, 2, 120)]
    table = pd.DataFrame(values, columns=["mass", "height", "age"]).assign(site=site, kind=kind)
    table.to_csv(project / "table.csv", index=False)
    table.head(10).drop(columns="kind").to_csv(project / "new.csv", index=False)


def _write_yaml(path: Path, content: Any) -> None:
    path.write_text(yaml.safe_dump(content))


def state(project: Path) -> dict[str, str]:
    """A digest of each file that commands or the user write; numbers that always differ are left out.

    A hidden folder is in it, as it is a leftover.
    """
    paths = [path for top in ("data", "conf/local") for path in (project / top).rglob("*")]
    paths += [path for path in project.iterdir() if path.is_file()]
    kept = [path for path in sorted(paths) if path.is_symlink() or not path.is_dir() or path.name[0] == "."]
    return {path.relative_to(project).as_posix(): _digest(path) for path in kept}


def _digest(path: Path) -> str:
    if path.is_dir() or path.name.endswith(SHOWN):
        return "there"
    try:
        content = path.read_bytes()
        if path.suffix == ".json":
            content = json.dumps(_lasting(json.loads(content)), sort_keys=True).encode()
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
    return hashlib.sha256(content).hexdigest()[:16]


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lasting(item) for key, item in value.items() if not any(word in key for word in VOLATILE)}
    return [_lasting(item) for item in value] if isinstance(value, list) else value


def is_leftover(name: str) -> bool:
    """Whether a file of a state is one that was not finished."""
    return any(part.startswith(".") and part not in (".made_here.sha256", ".gitignore") for part in Path(name).parts)


def begin_anew(project: Path, clean: Path) -> None:
    """Bring what commands and the user change back to a copy."""
    for name in ("data", "conf/local"):
        shutil.rmtree(project / name, ignore_errors=True)
        shutil.copytree(clean / name, project / name, symlinks=True)
    for name in ("cache", "tmp"):  # where DVC would find the results of stages
        shutil.rmtree(project / ".dvc" / name, ignore_errors=True)
    for path in [path for path in project.iterdir() if path.is_file()]:
        path.unlink()
    for path in [path for path in clean.iterdir() if path.is_file()]:
        shutil.copy2(path, project)


def environment() -> dict[str, str]:
    """Variables of the environment in which results do not depend on the machine."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"PATH": path, "COLUMNS": "400", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    return quiet | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
