"""Resolving one layer: uv once per target platform, all at the same time, then merged.

All targets run at once, more of them than there are processors: a resolution waits for the network most of its time
(0.14 s, of which 0.01 s computing, measured with uv 0.13 for one package and a warm cache).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from venvstacks.actions.lock_failures import Attempt, raise_failure, run_for_all
from venvstacks.actions.lock_files import LockPaths, LockRequest, read_layer_lock
from venvstacks.actions.tools import Tools
from venvstacks.errors import LockError, MissingToolError, ProcessFailedError
from venvstacks.locking.locks import LayerLock, Provision, ResolvedPackage, provision_of
from venvstacks.locking.merge import merge_resolutions, requires_python
from venvstacks.locking.pylock import pins_text
from venvstacks.locking.resolution import UnusableLockError, read_resolution
from venvstacks.locking.texts import constraints_text, direct_names, project_text, settings_text
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.files import staging_folder
from venvstacks.tools.uv import CompileCall, UvKit, compile_lock

_OUTPUT = "pylock.layer.toml"


def resolve_layer(request: LockRequest, earlier: LayerLock | None, tools: Tools) -> LayerLock:
    """Resolve a layer for all of its targets.

    Args:
        request: The layer and its surroundings.
        earlier: Its lock so far, whose versions are kept where they still fit.
        tools: The shell.

    Raises:
        MissingWheelsError: Packages have no wheel for some targets.
        LockError: It cannot be resolved.
        InterruptedRunError: The run is being stopped.
    """
    layer = request.layer
    below = read_lower_locks(request)
    provision = provision_of(below, [target.name for target in layer.platforms])
    if not layer.requirements:
        return LayerLock(requires_python(layer), tuple(target.name for target in layer.platforms))
    seed = None if request.ignore_pins else earlier
    try:
        kit = UvKit.of(tools.environment, tools.processes)
        with staging_folder(request.base / request.layout.staging, f"lock-{layer.env_name}") as staging:
            settings = staging / "uv.toml"
            settings.write_text(settings_text(layer, request.uv, request.base.as_posix()), encoding="utf-8")
            resolver = Resolver(request, kit, staging, settings, provision, below, seed)
            return merge_resolutions(layer, resolver.resolve(), provision)
    except (MissingToolError, ProcessFailedError) as error:
        raise LockError(f"layer '{layer.env_name}' cannot be locked: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise LockError(f"layer '{layer.env_name}' cannot be locked: {error}") from error


def read_lower_locks(request: LockRequest) -> list[tuple[str, LayerLock]]:
    """Environment names and locks of the layers below, in import order.

    Raises:
        LockError: One of them is missing or cannot be used.
    """
    locks = []
    for lower in request.layer.below:
        path = LockPaths.of(request, lower).lock
        try:
            locks.append((lower.env_name, read_layer_lock(path, lower.python)))
        except LockError as error:
            raise LockError(
                f"layer '{request.layer.env_name}' cannot be locked, because layer '{lower.env_name}' below it is not",
                details=(error.message,),
                hint=f"lock '{lower.env_name}' first",
            ) from None
    return locks


@dataclass
class Resolver:
    """All that the attempts for one layer share."""

    request: LockRequest
    kit: UvKit
    staging: Path
    settings: Path
    provision: Provision
    below: list[tuple[str, LayerLock]]
    seed: LayerLock | None
    find_links: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.find_links = [*self.request.local_wheel_dirs, *self._folders_of_lower_wheels()]

    def _folders_of_lower_wheels(self) -> Iterable[Path]:
        """Folders of local wheels that lower layers are locked to; where else would uv find those versions?"""
        found: dict[Path, None] = {}
        for lower, (_, lock) in zip(self.layer.below, self.below, strict=True):
            folder = LockPaths.of(self.request, lower).lock.parent
            found |= dict.fromkeys(Path(os.path.normpath(folder / wheel.location)).parent for wheel in lock.path_wheels)
        return (folder for folder in found if folder.is_dir() and folder not in self.request.local_wheel_dirs)

    @property
    def layer(self) -> Layer:
        """The layer."""
        return self.request.layer

    def resolve(self) -> Mapping[str, tuple[ResolvedPackage, ...]]:
        """Target name to what was resolved for it.

        Raises:
            MissingWheelsError: Packages have no wheel for some targets.
            LockError: Some target cannot be resolved.
        """
        targets = self.layer.platforms
        resolutions = self._resolve_all(dict.fromkeys(targets, frozenset[str]()))
        again = {target: late for target in targets if (late := self._late_assignments(resolutions[target.name]))}
        return {**resolutions, **self._resolve_all(again)} if again else resolutions

    def _late_assignments(self, resolution: Collection[ResolvedPackage]) -> frozenset[str]:
        """Packages that have an index assigned, but only turned up as somebody's dependency."""
        assigned = self.layer.package_indexes.keys() - direct_names(self.layer)
        return frozenset(package.name for package in resolution if package.name in assigned)

    def _resolve_all(self, wanted: Mapping[TargetPlatform, frozenset[str]]) -> dict[str, tuple[ResolvedPackage, ...]]:
        attempts = run_for_all(wanted, lambda target: self.attempt(target, also=wanted[target]))
        if any(attempt.failure for attempt in attempts.values()):
            raise_failure(self, attempts)
        folder = LockPaths.of(self.request, self.layer).lock.parent.as_posix()
        try:
            return {target.name: read_resolution(a.text, folder) for target, a in attempts.items()}
        except UnusableLockError as error:
            raise LockError(f"layer '{self.layer.env_name}' cannot be locked: {error}") from None

    def attempt(
        self,
        target: TargetPlatform,
        *,
        also: frozenset[str] = frozenset(),
        excluded: Collection[str] = (),
        layer_wheels: Path | None = None,
    ) -> Attempt:
        """One run of uv.

        Args:
            target: The target platform.
            also: Further requirements.
            excluded: Packages to leave out.
            layer_wheels: A folder of wheels that stand for the layers below, instead of constraints.
        """
        layer, provided = self.layer, self.provision.on(target.name)
        assigned = layer.package_indexes.keys() & provided.keys()
        with staging_folder(self.staging, target.name) as folder:
            project = project_text(layer, self.request.uv, self.request.base.as_posix(), also | assigned)
            constraints = "" if layer_wheels else constraints_text(provided)
            _write(folder / "pyproject.toml", project)
            _write(folder / "constraints.txt", constraints)
            if self.seed:
                _write(folder / _OUTPUT, pins_text(self.seed, target.name))
            if excluded:
                _write(folder / "excluded.txt", "".join(f"{name}\n" for name in excluded))
            call = CompileCall(
                folder,
                self.settings,
                _OUTPUT,
                target.uv_platform(layer.glibc),
                layer.python.version,
                sys.executable if layer.python.name == sys.implementation.name else layer.python.name,
                layer.macos,
                [*self.find_links, *([layer_wheels] if layer_wheels else [])],
                self.request.use_index,
                folder / "excluded.txt" if excluded else None,
            )
            done = compile_lock(call, self.kit, log=self.request.log)
            text = (folder / _OUTPUT).read_text(encoding="utf-8") if done.returncode == 0 else ""
        return Attempt.of(done, text)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
