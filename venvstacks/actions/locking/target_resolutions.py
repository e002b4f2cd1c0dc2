"""The resolutions of a layer: uv runs once per target platform, all at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from venvstacks.actions.locking.alignment import align_versions, differing
from venvstacks.actions.locking.attempts import Attempt, Conditions, UvRuns, run_for_all
from venvstacks.actions.locking.local_wheels import LOCAL_INDEX
from venvstacks.actions.locking.lock_failures import raise_failure
from venvstacks.errors import LockError
from venvstacks.locking.dependencies import Dependencies
from venvstacks.locking.exclusion import LeftOut, check_exclusions, find_left_out, left_out_below
from venvstacks.locking.locks import LayerLock, ResolvedPackage
from venvstacks.locking.patch_releases import differs_between_patches
from venvstacks.locking.uv_resolution import UnusableLockError, read_resolution
from venvstacks.locking.uv_texts import exactly
from venvstacks.model.declared import required_names
from venvstacks.model.platforms import TargetPlatform

Resolutions = Mapping[str, Sequence[ResolvedPackage]]
"""What was resolved, by the name of the target."""


@dataclass(frozen=True)
class TargetResolver:
    """Resolves a layer for all of its targets.

    Attributes:
        runs: Runs uv.
        below: Environment names and locks of the layers below.
    """

    runs: UvRuns
    below: Sequence[tuple[str, LayerLock]]

    def resolve(self) -> Resolutions:
        """Target name to what was resolved for it.

        Raises:
            MissingWheelsError: Packages have no wheel for some targets.
            LockError: Some target cannot be resolved.
        """
        attempts = self.attempt_all(Conditions())
        if any(attempt.failure for attempt in attempts.values()):
            raise_failure(self.runs, self.below, attempts)
        resolutions = self._read(attempts)
        if not (self.runs.request.align or self.runs.layer.align_versions):
            return resolutions
        provided = {name for packages in self.runs.provision.packages.values() for name in packages}
        return align_versions(resolutions, self._attempt_with, provided)

    def _attempt_with(self, versions: Mapping[str, str]) -> Resolutions | None:
        pins = tuple(exactly(name, version) for name, version in versions.items())
        attempts = self.attempt_all(Conditions(constraints=pins))
        failed = any(attempt.failure for attempt in attempts.values())
        return None if failed else self._read(attempts)

    def left_out(self, resolutions: Resolutions) -> LeftOut:
        """The resolved packages that are not to be installed, by target.

        Raises:
            LockError: The layer excludes something that it cannot leave out.
        """
        layer, provision = self.runs.layer, self.runs.provision
        lower = {target.name: left_out_below(self.below, target.name) for target in layer.platforms}
        versions = {name: {p.name: p.version for p in packages} for name, packages in resolutions.items()}
        check_exclusions(layer, versions, {target: provision.on(target) for target in versions})
        if not layer.exclude and not any(lower.values()):
            return {}
        graphs = run_for_all(layer.platforms, lambda target: self._dependencies(target, versions[target.name]))
        return {
            target.name: find_left_out(layer, graph, provision.on(target.name), lower[target.name])
            for target, graph in graphs.items()
        }

    def differs_between_patches(self, resolutions: Resolutions) -> bool:
        """Whether the layer needs, or may need, other packages on other maintenance releases of its Python.

        uv runs once more with the chosen versions, for all releases at once, and prints for which releases each package
        is needed. If that run fails, the answer is unknown and counts as yes: the lock is for this release alone.
        """
        layer = self.runs.layer
        several = differing(resolutions)
        chosen = {p.name: p.version for packages in resolutions.values() for p in packages if p.name not in several}
        attempt = self.runs.attempt(layer.platforms[0], Conditions(versions=chosen, universal=True))
        return bool(attempt.failure) or differs_between_patches(attempt.text, layer.python, layer.platforms)

    def attempt_all(self, conditions: Conditions) -> dict[TargetPlatform, Attempt]:
        """Attempts for all targets, repeated for targets where a dependency has an index assigned.

        Raises:
            LockError: What uv wrote cannot be used.
        """
        wanted = dict.fromkeys(self.runs.layer.platforms, conditions)
        attempts = self._attempt_each(wanted)
        while again := {
            target: replace(wanted[target], also=wanted[target].also | names)
            for target, attempt in attempts.items()
            if (names := self._indirect(target, attempt) - wanted[target].also)
        }:
            wanted |= again
            attempts |= self._attempt_each(again)
        return attempts

    def _attempt_each(self, wanted: Mapping[TargetPlatform, Conditions]) -> dict[TargetPlatform, Attempt]:
        return run_for_all(wanted, lambda target: self.runs.attempt(target, wanted[target]))

    def _indirect(self, target: TargetPlatform, attempt: Attempt) -> frozenset[str]:
        """Packages that have an index assigned, but that only other packages require.

        Those that came from a local wheel anyway are not among them.
        """
        layer = self.runs.layer
        indirect = layer.package_indexes.keys() - required_names(layer, target)
        if not indirect or attempt.failure:
            return frozenset()
        return frozenset(
            package.name
            for package in self._read_one(attempt)
            if package.name in indirect
            and not (layer.package_indexes[package.name] == LOCAL_INDEX and all(w.is_path for w in package.wheels))
        )

    def _read(self, attempts: Mapping[TargetPlatform, Attempt]) -> Resolutions:
        found = run_for_all(attempts, lambda target: self._needed(target, attempts[target]))
        return {target.name: packages for target, packages in found.items()}

    def _needed(self, target: TargetPlatform, attempt: Attempt) -> tuple[ResolvedPackage, ...]:
        """The resolved packages without those that were only required for their index and that nothing needs."""
        packages = self._read_one(attempt)
        if not attempt.also:
            return packages
        graph = self._dependencies(target, {package.name: package.version for package in packages})
        needed = graph.reach({})
        return tuple(package for package in packages if package.name in needed)

    def _dependencies(self, target: TargetPlatform, versions: Mapping[str, str]) -> Dependencies:
        graph = self.runs.dependencies(target, versions)
        if graph is None:
            raise LockError(f"layer '{self.runs.layer.env_name}' cannot be locked: uv does not say who needs whom")
        return graph

    def _read_one(self, attempt: Attempt) -> tuple[ResolvedPackage, ...]:
        request = self.runs.request
        try:
            return read_resolution(attempt.text, request.lock_folder(request.layer).as_posix())
        except UnusableLockError as error:
            raise LockError(f"layer '{request.layer.env_name}' cannot be locked: {error}") from None
