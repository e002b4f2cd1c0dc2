"""Small layers to lock, and requests to lock them, without a specification file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.actions.toolset import Tools
from venvstacks.locking.locks import LayerLock, LockedPackage, ResolvedPackage, Wheel
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.model.stack import Layer

PYTHON = PythonImplementation.parse("cpython@3.11.7")
THREE = ("win_amd64", "linux_x86_64", "macosx_arm64")


def runtime(name: str = "base", requirements: Sequence[str] = (), targets: Sequence[str] = THREE, **more: Any) -> Layer:
    platforms = tuple(PLATFORMS[target] for target in targets)
    return Layer("runtime", name, tuple(requirements), PYTHON, platforms, "2.28", "13.0", **more)


def framework(name: str, requirements: Sequence[str], *below: Layer, **more: Any) -> Layer:
    """A framework on the layers `below`, which end with the runtime."""
    *frameworks, base = below
    return Layer(
        more.pop("kind", "framework"), name, tuple(requirements), PYTHON, base.platforms, "2.28", "13.0",
        runtime=base, frameworks=tuple(frameworks), **more,
    )  # fmt: skip


def request_for(layer: Layer, base: Path, **more: Any) -> LockRequest:
    return LockRequest(layer, more.pop("uv", {}), StackLayout(), base, **more)


def tools_for(base: Path, **environment: str) -> Tools:
    """Tools with a uv cache of their own, so that a test neither reads nor writes the user's."""
    variables = {"PATH": os.environ["PATH"], "UV_CACHE_DIR": str(base / "uv-cache"), "UV_HTTP_RETRIES": "0"}
    return Tools(environment=variables | environment, cache=base / "cache")


def wheel(name: str, version: str = "1.0", tag: str = "py3-none-any", digest: str = "0" * 64) -> Wheel:
    return Wheel(f"https://index.invalid/{name}-{version}-{tag}.whl", (("sha256", digest),))


def resolved(name: str, version: str = "1.0", tag: str = "py3-none-any") -> ResolvedPackage:
    return ResolvedPackage(name, version, (wheel(name, version, tag),))


def locked(name: str, version: str = "1.0", targets: Sequence[str] = THREE) -> LockedPackage:
    return LockedPackage(name, version, tuple(targets), (wheel(name, version),))


def lock_of(*packages: LockedPackage, targets: Sequence[str] = THREE) -> LayerLock:
    return LayerLock("==3.11.*", tuple(targets), packages)
