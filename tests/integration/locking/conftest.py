"""A folder of handmade wheels, and layers locked from it by the real uv without any index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.followed_hints import Site
from tests.support.handmade_wheels import make_wheel
from tests.support.locked_layers import request_for, tools_for
from tests.support.locked_projects import StackOnDisk
from venvstacks.actions.locking.lock import LockResult, lock_layer
from venvstacks.actions.locking.lock_request import LockPaths, LockRequest
from venvstacks.actions.locking.lock_validity import lock_reasons
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason


@dataclass
class Bench:
    """A specification's folder with a folder of wheels."""

    base: Path

    @property
    def wheels(self) -> Path:
        return self.base / "wheelhouse"

    def wheel(self, name: str, version: str = "1.0", requires: Sequence[str] = (), tag: str = "py3-none-any") -> Path:
        return make_wheel(self.wheels, name, version, requires=requires, tag=tag)

    def request(self, layer: Layer, **more: Any) -> LockRequest:
        return request_for(layer, self.base, **{"local_wheel_dirs": (self.wheels,), "use_index": False} | more)

    def lock(self, layer: Layer, **more: Any) -> LockResult:
        return lock_layer(self.request(layer, **more), tools_for(self.base))

    def reasons(self, layer: Layer, **more: Any) -> tuple[Reason, ...]:
        return lock_reasons(self.request(layer, **more))

    def paths(self, layer: Layer) -> LockPaths:
        return LockPaths.of(self.request(layer), layer)

    def texts(self, layer: Layer) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.paths(layer).lock.parent.iterdir()}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A bench with alpha 1.0 (needs beta), beta 1.0 and 2.0, gamma 1.0 (needs beta<2), and winonly for Windows."""
    made = Bench(tmp_path / "spec")
    made.wheel("alpha", requires=["beta>=1", "colour; sys_platform == 'win32'"])
    made.wheel("beta")
    made.wheel("beta", "2.0")
    made.wheel("colour")
    made.wheel("gamma", requires=["beta<2"])
    made.wheel("winonly", tag="cp311-cp311-win_amd64")
    return made


@pytest.fixture(scope="session")
def hint_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels for hints to follow: frogs of three versions, and who needs which."""
    folder = tmp_path_factory.mktemp("hints") / "house"
    for version in ("1.0", "2.0", "3.0"):
        make_wheel(folder, "frog", version)
    for name, needs in (("marsh", "frog<2"), ("pond", "frog<3"), ("sea", "frog>=3")):
        make_wheel(folder, name, "1.0", requires=[needs])
    make_wheel(folder, "newt", "1.0")
    make_wheel(folder, "wide", "1.0")
    make_wheel(folder, "wide", "2.0", tag="cp311-cp311-win_amd64")
    make_wheel(folder, "modern", "1.0", tag="cp311-cp311-manylinux_2_34_x86_64")
    make_wheel(folder, "modern", "1.0", tag="cp311-cp311-macosx_14_0_arm64")
    return folder


@pytest.fixture
def hint_site(hint_wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A runtime for Linux that requires `frog`."""
    stack = StackOnDisk.write(tmp_path / "spec", "")
    with ExitStack() as closing:
        made = Site(stack, hint_wheels, hint_wheels.parent / "cache", closing, monkeypatch)
        made.py("frog")
        yield made
