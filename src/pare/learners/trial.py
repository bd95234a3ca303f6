"""Files of boosters, read by a process of its own first: their libraries crash where a file is not as they wrote it."""

import signal
import subprocess
import sys
from pathlib import Path

from pare.config.errors import PareError

SECONDS = 120  # on a machine that does other things
# What reads a file and predicts three rows, by the ending of its name.
READ = {
    ".cbm": """
import catboost
def predict(path):
    model = catboost.CatBoost().load_model(path)
    table, codes = rows(len(model.feature_names_)), model.get_cat_feature_indices()
    model.predict(catboost.Pool(table, cat_features=codes, thread_count=1), thread_count=1)
""",
    ".txt": """
import lightgbm
def predict(path):
    text = open(path, encoding="utf-8").read().partition("\\nparameters:")[0]
    booster = lightgbm.Booster(model_str=text)
    booster.predict(rows(booster.num_feature()))
""",
    ".ubj": """
import xgboost
def predict(path):
    booster = xgboost.Booster(model_file=path)
    booster.inplace_predict(rows(booster.num_features()), validate_features=False)
""",
}
# A broken file may ask for any amount of memory, or for ever: the process gets bounds.
TRIAL = """
import os, resource, sys
import numpy, psutil
def rows(columns):
    return numpy.repeat([[0], [-(10**6)], [10**6]], columns, 1)
def bound(kind, most):
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))
size = sum(map(os.path.getsize, sys.argv[1:]))
bound(resource.RLIMIT_AS, psutil.Process().memory_info().vms + (4 << 30) + 100 * size)
bound(resource.RLIMIT_CPU, 10 + size // 10**6)
for path in sys.argv[1:]:
    predict(path)
"""


def try_boosters(folder: Path) -> None:
    """Let other processes read the boosters of a model, those of its members too; one for each library.

    Raises:
        PareError: where such a process crashes, fails, takes more than `SECONDS`, or computes for more than ten seconds
            and one for each megabyte.
    """
    for suffix, read in READ.items():
        files = [str(path.resolve()) for path in sorted(folder.rglob(f"output_*{suffix}"))]
        if not files:
            continue
        command = [sys.executable, "-c", read + TRIAL, *files]
        try:  # elsewhere than here, where a file may have the name of a module
            done = subprocess.run(
                command, cwd="/", capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PareError(f"a file *{suffix} takes its library more than {SECONDS} s") from error
        if done.returncode == -signal.SIGXCPU:
            raise PareError(f"a file *{suffix} keeps its library busy without end")
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "Error" in line] or [f"exit code {done.returncode}"]
            why = f"by {signal.Signals(-done.returncode).name}" if done.returncode < 0 else f"with {said[-1].strip()}"
            raise PareError(f"a process that reads its files *{suffix} ends {why}")
