"""Kedro's settings for this project."""

import warnings

from pare.config_loader import LIBRARY, RunConfigLoader
from pare.hooks import LockHooks, RunHooks, TrackingHooks

# Libraries tell each other's authors what is deprecated, a user can do nothing about it; only what Kedro's command line
# says of options stays.
warnings.filterwarnings("ignore", r"(?s).*deprecated", module=r"(?!__main__|pare\.|kedro\.framework\.cli)")
warnings.filterwarnings("ignore", r"\s*register_new_resolver\(\) is deprecated")  # OmegaConf 2.3 knows no other name

HOOKS = (RunHooks(), LockHooks(), TrackingHooks())
CONFIG_LOADER_CLASS = RunConfigLoader
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {
        "tasks": ["tasks/*", "tasks/**/*"],
        "sources": ["sources*.yml"],
        "proxies": ["proxies*.yml"],
        "starts": ["starts*.yml"],
        "learners": ["learners*.yml"],
        "matrix": ["matrix*.yml"],
        "report": ["report*.yml"],
        "catalog": ["catalog/*.yml"],
    },
    "merge_strategy": dict.fromkeys(("parameters", "report", *LIBRARY), "soft"),
}
