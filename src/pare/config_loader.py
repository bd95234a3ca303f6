"""Kedro's configuration, and the run that it asks for."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import yaml
from kedro.config import OmegaConfigLoader
from omegaconf import OmegaConf

from pare.config import Library, PareError, Run, resolve, unknown_name
from pare.config.library import NAME, merged
from pare.config.run import ENV, NOWHERE, joined

# Places for a run that begins with no encoder, since the catalog has both for every run.
NO_SOURCE = {"encoder": f"encoders/{NOWHERE}", "proxy": f"proxies/{NOWHERE}"}
FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$")  # such as 1e-3, a text in YAML 1.1
LIBRARY = ("tasks", "sources", "proxies", "starts", "learners")


class RunConfigLoader(OmegaConfigLoader):
    """Kedro's loader, which also resolves the run and gives its names to the catalog, as in ``${run:folder}``.

    The names are known wherever a catalog is read, in Kedro-Viz and `kedro catalog` too, which call no hooks: there
    the run is that of conf/base/parameters.yml. OmegaConf knows one resolver of a name at a time, so each loader
    registers its own again before it reads its catalog, as Kedro does with ``runtime_params``.
    """

    @cached_property
    def library(self) -> Library:
        """Everything that could be run; PareError where the environment has no proper name."""
        return load_library(self)

    @cached_property
    def run(self) -> Run:
        """The run that the parameters ask for; PareError where they are wrong."""
        return resolve(self.library, self["parameters"], dict(self.runtime_params or {}))

    def __getitem__(self, key: str) -> dict[str, Any]:
        """Configuration of a kind, such as ``parameters``."""
        if key == "catalog":
            names = catalog_names(self.run)
            OmegaConf.register_new_resolver("run", lambda name: _named(name, names), replace=True)
        if key in LIBRARY and key not in self and (plain := self._plain(key)) is not None:
            return plain
        return super().__getitem__(key)

    def _plain(self, key: str) -> dict[str, Any] | None:
        """A kind as Kedro reads it, in a fifth of the time; None where that takes OmegaConf, or Kedro has a remark."""
        environments = dict.fromkeys((self.base_env, self.env or self.default_run_env))
        files = [self._files(environment, key) for environment in environments]
        read = [_plain_entries(of_environment) for of_environment in files]
        if not files[0] or not (Path(self.conf_source) / [*environments][-1]).is_dir() or None in read:
            return None
        return reduce(merged, (entries or {} for entries in read))

    def _files(self, environment: str, key: str) -> list[Path]:
        """The files of a kind in the folder of an environment."""
        folder = Path(self.conf_source) / environment
        found = {file for pattern in self.config_patterns.get(key, []) for file in folder.glob(pattern)}
        return sorted(file for file in found if file.is_file())


class _Plain(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML by the rules of OmegaConf: 1e-3 is a number, a date is a text, and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        """A mapping; YAMLError where a key comes twice."""
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len({*keys}) < len(keys):
            raise yaml.YAMLError("a key comes twice")
        return super().construct_mapping(node, deep)


_Plain.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, [*"-+0123456789."])
_Plain.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
    for first, rules in _Plain.yaml_implicit_resolvers.items()
}


def _plain_entries(files: Sequence[Path]) -> dict[str, Any] | None:
    """All entries of some files; None where they are not plain: with interpolation, hidden files, or mistakes."""
    entries: dict[str, Any] = {}
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
            content = None if "${" in text else yaml.load(text, _Plain)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            return None
        if not isinstance(content, dict) or file.suffix not in (".yml", ".yaml") or "/." in file.as_posix():
            return None
        own = {name: entry for name, entry in content.items() if not str(name).startswith("_")}
        if entries.keys() & own.keys():
            return None
        entries |= own
    return entries


def catalog_names(run: Run) -> dict[str, str]:
    """What the catalog may ask of a run: where its files lie below each layer of ``data``."""
    environment = run.differs.get(ENV, "")
    report = f"report-{joined({ENV: environment})}" if environment else "report"
    return {**NO_SOURCE, "folder": run.folder, "env": environment, "report": report, **run.places}


def _named(name: str, names: Mapping[str, str]) -> str:
    if name not in names:
        raise unknown_name("name in ${run:…}", name, names, "pare.config_loader")
    return names[name]


def load_library(config_loader: OmegaConfigLoader) -> Library:
    """Read all tasks, sources, proxies, starts and learners of an environment, and those of the user's own.

    Another environment, such as paper, is read instead of conf/local. What the user named there and nobody else is
    known in it as well; what the user changed of listed entries is not.

    Raises:
        PareError: where the environment's name cannot be part of a folder's.
    """
    base, local = config_loader.base_env, config_loader.default_run_env
    environment = config_loader.env or local
    if environment in (base, local):
        entries = _entries(config_loader)
        return Library(environment=environment, changed=_changed(config_loader, entries["tasks"]), **entries)
    if not NAME.fullmatch(environment):
        raise PareError(
            f"environment {environment!r} names folders of results, so it may have letters, digits and _ only; "
            f"rename conf/{environment}"
        )
    has_local = (Path(config_loader.conf_source) / local).is_dir()
    own = Library(environment=local, **_entries(_sibling(config_loader, local if has_local else base)))
    entries = {kind: getattr(own, kind) | found for kind, found in _entries(config_loader).items()}
    parameters = _sibling(config_loader, environment)["parameters"]
    defaults = {name: parameters[name] for name in ("protocol", "start")}
    return Library(environment=environment, **defaults, base=own, **entries)


def _changed(config_loader: OmegaConfigLoader, tasks: dict[str, Any]) -> frozenset[str]:
    """Names of the listed tasks that conf/local changes."""
    local = Path(config_loader.conf_source) / config_loader.default_run_env
    if config_loader.env == config_loader.base_env or not any((local / "tasks").rglob("*.y*ml")):
        return frozenset()  # base is not read once more
    listed = _sibling(config_loader, config_loader.base_env)["tasks"]
    return frozenset(name for name, task in listed.items() if tasks[name] != task)


def _entries(config_loader: OmegaConfigLoader) -> dict[str, Any]:
    return {kind: config_loader[kind] for kind in LIBRARY}


def _sibling(config_loader: OmegaConfigLoader, environment: str) -> RunConfigLoader:
    """A loader of an environment of the same folder, without what the command line set."""
    return RunConfigLoader(
        conf_source=config_loader.conf_source,
        env=environment,
        base_env=config_loader.base_env,
        default_run_env=config_loader.default_run_env,
        config_patterns=config_loader.config_patterns,
        merge_strategy=config_loader.merge_strategy,
    )
