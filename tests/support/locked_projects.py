"""A specification on disk with a wheelhouse, locked through the API as the command line does it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.handmade_wheels import make_wheel
from venvstacks.api import Options, Project, Report, Request, Selection, load_project, run
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock import parse_lock


@dataclass(frozen=True)
class StackOnDisk:
    """A specification's folder; `variables` are further environment variables."""

    path: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def write(cls, base: Path, specification: str) -> StackOnDisk:
        base.mkdir(parents=True)
        (base / "app.py").write_text("print('hello')\n")
        (base / "venvstacks.toml").write_text(specification)
        (base / "wheelhouse").mkdir()
        return cls(base / "venvstacks.toml")

    @property
    def base(self) -> Path:
        return self.path.parent

    def wheel(self, name: str, version: str = "1.0", requires: Sequence[str] = (), tag: str = "py3-none-any") -> Path:
        return make_wheel(self.base / "wheelhouse", name, version, requires=requires, tag=tag)

    def change(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new, 1))

    def project(self, **options: Any) -> Project:
        given = {"local_wheels": ("wheelhouse",), "use_index": False, "jobs": 2} | options
        return load_project(self.path, Options(**given), self.environment)

    @property
    def environment(self) -> dict[str, str]:
        cache = str(self.base.parent / "uv-cache")
        return {"PATH": os.environ["PATH"], "UV_CACHE_DIR": cache, "UV_HTTP_RETRIES": "0", **self.variables}

    def run(self, request: Request, **options: Any) -> Report:
        """Carry out a request that must succeed."""
        report = run(self.project(**options), request)
        for outcome in report.failures:
            raise outcome.error or AssertionError(outcome)
        return report

    def lock(self, include: tuple[str, ...] = (), reset_lock: tuple[str, ...] = (), **request: Any) -> Report:
        return self.run(Request(("lock",), Selection(include=include, reset_lock=reset_lock), **request))

    def run_online(self, **request: Any) -> Report:
        """Lock with indexes instead of the wheelhouse."""
        return self.run(Request(("lock",), renew_locks=True, **request), local_wheels=(), use_index=True)

    def files(self, *, everything: bool = False) -> dict[str, bytes]:
        """Content of the lock files, or of all files around the specification."""
        folder = self.base if everything else self.base / "requirements"
        return {str(path.relative_to(self.base)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def read_lock(self, env_name: str) -> LayerLock:
        project = self.project()
        layer = project.stack.by_env_name[env_name]
        text = (self.base / project.configuration.layout.lock_file(layer)).read_text()
        return parse_lock(text, layer.python)

    def versions(self, env_name: str, target: str = "linux_x86_64", *, shared: bool = False) -> dict[str, str]:
        lock = self.read_lock(env_name)
        return {p.name: p.version for p in (lock.shared(target) if shared else lock.installed(target))}
