"""What a command names is looked at before any library of models is imported."""

import json
import subprocess
import sys

import pytest

from pare.config import PareError
from pare.prediction.asked import check_asked

TABLE = {
    "raw": {"files": ["t.csv"]},
    "reader": {"name": "table", "options": {"target": "answer", "dates": {"when": "2024-01-01"}}},
    "samples": {"all": 40},
    "input": {"shape": [4]},
    "output": {"kind": "classification", "shape": [2]},
}
TABLE["reader"]["options"]["calendar"] = {"when": ["weekday"]}


@pytest.fixture
def asked(own_run, tmp_path, monkeypatch):
    """Check a command for new rows; ``columns``: the model is there and learnt from these."""
    monkeypatch.chdir(tmp_path)
    run = own_run(TABLE, method="probe")

    def asked(*pipelines, file="", columns=None):
        if columns:
            folder = tmp_path / "models" / run.folder / "model"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "preparation.json").write_text(json.dumps({"columns": columns}))
        check_asked(run, pipelines, file, tmp_path / "models")

    return asked


def test_predict_needs_a_file_that_exists_and_a_model(asked, tmp_path):
    with pytest.raises(PareError, match=r"name the file with new rows: kedro run --pipelines=predict .*,predict=PATH"):
        asked("predict")
    with pytest.raises(PareError, match=r"'new\.csv' does not exist"):
        asked("predict", file="new.csv")
    (tmp_path / "new.csv").write_text("a,b\n1,2\n")
    made = r"no such model yet; make it: kedro run --env base --params task=mine,method=probe,seed=0"
    with pytest.raises(PareError, match=f"{made}$"):
        asked("predict", file="new.csv")
    (tmp_path / "models/mine/choose/seed_0/model").mkdir(parents=True)
    with pytest.raises(PareError, match=r"or name another method; there are models of choose$"):
        asked("export")


def test_a_pipeline_that_makes_the_model_itself_needs_none(asked):
    asked("pare_train", "explain")
    asked("pare_train")


def test_a_table_that_lacks_columns_is_refused_with_all_of_them(asked, tmp_path):
    learnt = ["a", "b", "c", "d", "e", "f", "when", "when (weekday)"]
    (tmp_path / "new.csv").write_text("a,customer\n1,2\n")
    wrong = r"new\.csv lacks b, c, d, e, f and 1 more; it has a, customer\. Bring a table with all 7 columns"
    for pipeline in ("predict", "explain"):
        with pytest.raises(PareError, match=wrong):
            asked(pipeline, file="new.csv", columns=learnt)
    (tmp_path / "new.csv").write_text("when,customer,f,e,d,c,b,a\n2024-01-01,2,1,1,1,1,1,1\n")
    asked("predict", file="new.csv", columns=learnt)


def test_no_library_of_models_is_imported():
    heavy = "torch", "sklearn", "transformers"
    script = f"import sys, pare.prediction.asked; assert not {{*{heavy}}} & {{*sys.modules}}"
    subprocess.run([sys.executable, "-c", script], check=True)
