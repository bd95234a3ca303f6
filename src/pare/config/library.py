"""Everything that the configuration folder defines, by name."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pare.config.errors import PareError, unknown_name
from pare.config.run import BASE, ENV, LOCAL, PROTOCOL, SOLVED, joined
from pare.config.schema import LearnerConfig, ProxyConfig, Source, StartConfig, Task
from pare.config.strict import Model, validated

NAME = re.compile(r"\w+", re.ASCII)
RawKind = Literal["tasks", "sources", "proxies"]
FOLDERS: dict[RawKind, str] = {"tasks": "", "sources": "encoders/", "proxies": "proxies/"}  # below data/01_raw


class Library(BaseModel):
    """Tasks, sources, proxies, starts and learners as one environment of Kedro's defines them.

    Attributes:
        environment: name of the environment.
        protocol: the one of its runs that choose no other.
        start: the same.
        base: the library of conf/base and conf/local, where the environment is another one.
        changed: names of the tasks of conf/base that conf/local changes; their results are the user's own.
    """

    model_config = ConfigDict(frozen=True)

    environment: str = LOCAL
    protocol: str = PROTOCOL
    start: str = SOLVED
    base: "Library | None" = None
    changed: frozenset[str] = frozenset()
    tasks: dict[str, Any]
    sources: dict[str, Any]
    proxies: dict[str, Any]
    starts: dict[str, Any]
    learners: dict[str, Any]

    def task(self, name: str) -> Task:
        """The task of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(Task, "task", name, self.tasks, "`kedro tasks`")

    def source(self, name: str) -> Source:
        """The source of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(Source, "source", name, self.sources, "conf/base/sources.yml")

    def proxy(self, name: str) -> ProxyConfig:
        """The proxy dataset of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(ProxyConfig, "proxy", name, self.proxies, "conf/base/proxies.yml")

    def start_of(self, kind: str, name: str | None = None) -> StartConfig | None:
        """What a start solves for a kind of data; None where that is nothing, PareError where its YAML is wrong.

        Args:
            kind: kind of data.
            name: ``solved`` or ``random``; None: the environment's.
        """
        if (name or self.start) != SOLVED or kind not in self.starts:
            return None
        return _entry(StartConfig, "start", kind, self.starts, "conf/base/starts.yml")

    def learner(self, name: str) -> LearnerConfig:
        """The learner of that name; PareError where it is unknown or its YAML is wrong."""
        return _entry(LearnerConfig, "method", name, self.learners, "`kedro methods`")

    @property
    def differs(self) -> dict[str, str]:
        """The environment, where it is another one than those of conf/base and conf/local."""
        return {} if self.environment in (BASE, LOCAL) else {ENV: self.environment}

    def raw_place(self, kind: RawKind, name: str) -> str:
        """Folder below ``data/01_raw`` for the files of a task, of a source's encoder or of a proxy.

        Another environment shares base's folder only where it brings the same files in the same way: each origin
        removes what another one made.
        """
        shared = not self.differs or (
            self.base is not None
            and name in getattr(self.base, kind)
            and self._request(kind, name) == self.base._request(kind, name)
        )
        return FOLDERS[kind] + (name if shared else f"{name}-{joined(self.differs)}")

    def _request(self, kind: RawKind, name: str) -> tuple[str, dict[str, Any]]:
        match kind:
            case "tasks":
                raw = self.task(name).raw.active
            case "sources":
                raw = self.source(name).encoder
            case "proxies":
                raw = self.proxy(name).raw
        return raw.origin, raw.options


def merged(base: Mapping[str, Any], added: Mapping[str, Any]) -> dict[str, Any]:
    """Both, with what is added in place of what was there; mappings are merged key by key, as Kedro does it."""
    both = {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in added.items()
    }
    return {**base, **both}


def _entry(model: type[Model], kind: str, name: str, entries: Mapping[str, Any], where: str) -> Model:
    if name not in entries:
        raise unknown_name(kind, name, entries, where)
    if not NAME.fullmatch(name):
        raise PareError(f"{kind} {name!r} names folders, so it may have letters, digits and _ only; rename it")
    return validated(model, f"{kind} {name}", entries[name])
