"""The project's configuration as Kedro reads it, without what the user may have in conf/local."""

from pathlib import Path

from kedro.config import OmegaConfigLoader

from pare.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).parents[1] / "conf"


def config_loader(env: str = "base") -> OmegaConfigLoader:
    """The configuration of an environment."""
    return OmegaConfigLoader(conf_source=str(CONF), env=env, **CONFIG_LOADER_ARGS)
