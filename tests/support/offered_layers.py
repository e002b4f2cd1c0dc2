"""Offered and installed layers as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from venvstacks.deployment.binding import Bound
from venvstacks.deployment.offers import OfferedFile, OfferedLayer
from venvstacks.deployment.state import Generation, Installed, InstanceRecord, needed_instances
from venvstacks.digests import sha256_bytes


def layer(name: str, *frameworks: str, **changes: Any) -> OfferedLayer:
    """A layer on the runtime `py`; its kind is in its name."""
    kinds = {"framework": "framework", "app": "application"}
    kind = kinds.get(name.partition("-")[0], "runtime")
    archive = OfferedFile(f"{name}.tar.zst", 100, sha256_bytes(name.encode()))
    made = OfferedLayer(
        name=name,
        target=name,
        kind=kind,  # type: ignore[arg-type]
        python="cpython@3.11.7",
        platform="linux_x86_64",
        lock_version=1,
        archive=archive,
        files=replace(archive, name=f"{name}.tar.zst.files.json.gz"),
        disk_size=1000,
        runtime=None if kind == "runtime" else "py",
        frameworks=frameworks,
        launch_module="frog" if kind == "application" else None,
    )
    return replace(made, **changes)


def record_of(bound: Bound) -> InstanceRecord:
    """The record of an instance that was made of it."""
    offered = bound.layer
    installed = Installed(
        id=bound.id,
        layer=offered.name,
        target=offered.target,
        kind=offered.kind,
        python=offered.python,
        lock_version=offered.lock_version,
        archive=offered.archive.sha256,
        files=offered.files.sha256,
        size=100,
        lower=dict(bound.lower),
        launch_module=offered.launch_module,
    )
    return InstanceRecord(installed=installed, bytecode=())


def generation(
    number: int, previous: int | None, applications: Mapping[str, str], known: Iterable[Installed]
) -> Generation:
    """A generation with these applications."""
    instances, needed_by = needed_instances(applications, known)
    return Generation(
        number=number,
        previous=previous,
        created="2026-11-20T12:00:00+00:00",
        source="here",
        platform="linux_x86_64",
        applications=dict(applications),
        instances=instances,
        needed_by=needed_by,
    )
