"""Single runs of uv for one layer and one target, under conditions that differ from attempt to attempt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from venvstacks.actions.locking.lock_request import LockRequest
from venvstacks.locking.dependencies import Dependencies, read_dependencies
from venvstacks.locking.locks import LayerLock, Provision
from venvstacks.locking.pylock_text import pins_text
from venvstacks.locking.uv_texts import constraints_text, exactly, project_name, project_text, settings_text
from venvstacks.model.declared import required_names
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.files import staging_folder
from venvstacks.tools.process import Completed
from venvstacks.tools.uv import CompileCall, UvTools, compile_lock
from venvstacks.tools.uv_failures import UvFailure, explain_failure

_Result = TypeVar("_Result")
_OUTPUT = "pylock.layer.toml"


@dataclass(frozen=True)
class Attempt:
    """The result of one run of uv for one target: a text, or a failure.

    Attributes:
        text: What uv wrote or printed.
        failure: Why it failed, or None.
        also: What was required in addition to the layer's own requirements.
    """

    text: str
    failure: UvFailure | None
    also: frozenset[str] = frozenset()

    @classmethod
    def of(cls, done: Completed, text: str, also: frozenset[str] = frozenset()) -> Attempt:
        """Read how uv ended."""
        return cls(text, explain_failure(done.stderr or done.stdout) if done.returncode else None, also)


@dataclass(frozen=True)
class Conditions:
    """What distinguishes one attempt from another.

    Attributes:
        also: Further requirements.
        only: Requirements in place of the layer's own.
        excluded: Packages to leave out, even if another package needs them.
        versions: Exact versions to keep to; None for the versions that the layers below provide.
        constraints: Further constraints, in addition to the layer's own.
        wheels: A further folder of wheels.
        annotated: Whether to print packages with their dependents instead of making a lock.
        adapted: Whether the layer keeps to the versions that layers above need.
        universal: Whether to resolve for all platforms and maintenance releases at once, and to print packages with
            their markers instead of making a lock.
    """

    also: frozenset[str] = frozenset()
    only: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    versions: Mapping[str, str] | None = None
    constraints: tuple[str, ...] = ()
    wheels: Path | None = None
    annotated: bool = False
    adapted: bool = True
    universal: bool = False

    @property
    def is_printed(self) -> bool:
        """Whether uv prints what it found instead of making a lock."""
        return self.annotated or self.universal


AS_IT_IS = Conditions()


@dataclass(frozen=True)
class UvRuns:
    """Runs uv for one layer.

    Attributes:
        request: The layer that is being locked.
        layer: The layer that is resolved: the request's, or one below it.
        uv_tools: uv.
        staging: Folder for uv's input and output files.
        provision: What the layers below provide.
        find_links: Folders of wheels.
        seed: The earlier lock, whose versions uv prefers.
        own: `own_wheels.own_addresses`.
    """

    request: LockRequest
    layer: Layer
    uv_tools: UvTools
    staging: Path
    provision: Provision
    find_links: tuple[Path, ...] = ()
    seed: LayerLock | None = None
    own: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    def attempt(self, target: TargetPlatform, conditions: Conditions = AS_IT_IS) -> Attempt:
        """Run uv once for `target`.

        Raises:
            ProcessFailedError: uv cannot be started.
            InterruptedRunError: The run is being stopped.
        """
        with staging_folder(self.staging, f"{self.layer.env_name}-{target.name}") as folder:
            self._write_inputs(folder, target, conditions)
            done = compile_lock(self._call(folder, target, conditions), self.uv_tools, log=self.request.log)
            if conditions.is_printed or done.returncode:
                return Attempt.of(done, done.stdout)
            return Attempt.of(done, (folder / _OUTPUT).read_text(encoding="utf-8"), conditions.also)

    def _write_inputs(self, folder: Path, target: TargetPlatform, conditions: Conditions) -> None:
        layer, uv, base = self.layer, self.request.settings, self.request.base.as_posix()
        provided = self.provision.versions(target.name)
        versions = provided if conditions.versions is None else conditions.versions
        # uv honours an assigned index for what the project itself requires only (see `uv_texts.project_text`)
        also = conditions.also if conditions.only is not None else conditions.also | self._assigned(versions)
        texts = {
            "pyproject.toml": project_text(
                layer, uv, base, also, only=conditions.only, all_patches=conditions.universal
            ),
            "settings.toml": settings_text(layer, uv, base),
            "constraints.txt": constraints_text(
                versions,
                (*layer.constraints, *conditions.constraints, *self._adapted(target, conditions)),
                self._archives(target, versions),
            ),
        }
        if self.seed and not conditions.is_printed:
            texts[_OUTPUT] = pins_text(self.seed, target.name, unpinned=self.request.upgrade_packages)
        if conditions.excluded:
            texts["excluded.txt"] = "".join(f"{name}\n" for name in conditions.excluded)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")

    def _archives(self, target: TargetPlatform, versions: Mapping[str, str]) -> dict[str, str]:
        """Addresses of own wheels, and of those that the layers below require by address, in just these versions."""
        folder = self.request.lock_folder(self.layer)
        own = self.own.get(target.name, {}) if self.layer is self.request.layer else {}
        found = {name: address for name, (version, address) in own.items() if versions.get(name, version) == version}
        for name, provided in self.provision.on(target.name).items():
            archive = next((wheel for wheel in provided.wheels if wheel.is_archive), None)
            if archive and versions.get(name) == provided.version:
                place = Path(os.path.normpath(folder / archive.location))
                found[name] = place.as_uri() if archive.is_path else archive.location
        return found

    def _adapted(self, target: TargetPlatform, conditions: Conditions) -> Iterator[str]:
        """Constraints to the versions that this layer is locked with because layers above need them."""
        if conditions.adapted:
            found = self.request.adaptation.versions(self.layer.env_name, target.name)
            yield from (exactly(name, version) for name, version in found.items())

    def _assigned(self, versions: Mapping[str, str]) -> frozenset[str]:
        return frozenset(self.layer.package_indexes.keys() & versions.keys())

    def _call(self, folder: Path, target: TargetPlatform, conditions: Conditions) -> CompileCall:
        layer, request = self.layer, self.request
        return CompileCall(
            folder,
            folder / "settings.toml",
            None if conditions.is_printed else _OUTPUT,
            None if conditions.universal else target.uv_platform(layer.glibc),
            layer.python.short_version if conditions.universal else layer.python.version,
            sys.executable if layer.python.name == sys.implementation.name else layer.python.name,
            layer.macos,
            [*self.find_links, *([conditions.wheels] if conditions.wheels else [])],
            request.use_index,
            folder / "excluded.txt" if conditions.excluded else None,
            None if request.upgrade else sorted(request.upgrade_packages),
        )

    def dependencies(self, target: TargetPlatform, versions: Mapping[str, str]) -> Dependencies | None:
        """Which package needs which if the layer has exactly `versions`; None if uv cannot resolve it so.

        The roots are the packages that the layer itself requires. Packages that were only added to the requirements
        so that uv uses their assigned index are no roots.
        """
        attempt = self.attempt(target, Conditions(versions=versions, annotated=True))
        if attempt.failure:
            return None
        found = read_dependencies(attempt.text, project_name(self.layer.env_name))
        return replace(found, roots=found.roots.intersection(required_names(self.layer, target)))

    def for_layer(self, layer: Layer) -> UvRuns:
        """A runner for another layer, with the other attributes unchanged."""
        return replace(self, layer=layer, seed=None)


def run_for_all(
    targets: Iterable[TargetPlatform], attempt: Callable[[TargetPlatform], _Result]
) -> dict[TargetPlatform, _Result]:
    """Make one attempt per target, as many at a time as `Tools.resolvers` allows; results are in the order of targets.

    `Tools.resolvers` is larger than the number of processors, because a resolution mostly waits for the network (of
    0.14 s it computes for 0.01 s, measured with uv 0.13 for one package and a warm cache).
    """
    chosen = list(targets)
    with ThreadPoolExecutor(max_workers=max(1, len(chosen))) as pool:
        return dict(zip(chosen, pool.map(attempt, chosen), strict=True))
