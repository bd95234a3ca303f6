"""A matrix of five runs, and what a finished run leaves behind."""

import json

from pare.config import Run

BLOCKS = {
    "Fields": {"tasks": ["darcy_flow"], "methods": ["pare", "finetune"], "seeds": [0, 1]},
    "Tables": {"tasks": ["openml_wdbc"], "methods": ["xgboost"], "seeds": [0]},
}


def finish(cell, data, test=0.25):
    """Leave behind what a finished run does."""
    run = cell.run
    metrics = {"protocol": run.protocol, "metric": {"name": run.metric}, "test": test, "train_seconds": 1.0}
    metrics |= {"differs": run.differs}
    if isinstance(run, Run):
        metrics |= {"source": run.source_name, "proxy": run.proxy_name, "proxy_samples": run.proxy_samples}
        metrics |= {"epochs": run.training.epochs}
    content = {
        data / "08_reporting" / run.folder / "metrics.json": metrics,
        data / "06_models" / run.folder / "model" / "record.json": {"decisive": run.decisive()},
    }
    for path, values in content.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
