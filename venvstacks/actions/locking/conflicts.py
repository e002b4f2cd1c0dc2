"""Errors about requirements that conflict: which layers are involved, and the chain of requirements on each side.

First it is found out which versions would serve all layers together. If the layers below may be adapted to them, there
is nothing else to explain. Otherwise uv is run again, with a generated wheel for each layer below that requires the
packages of that layer, because uv's explanation of a conflict with plain constraints names no layer; and once more to
find the versions that the layer would get on its own.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.actions.locking.attempts import Conditions, UvRuns
from venvstacks.actions.locking.joint_resolution import resolve_together
from venvstacks.errors import LayerConflictError, LockError, NeededVersion
from venvstacks.locking.dependencies import Dependencies, read_dependencies
from venvstacks.locking.locks import LayerLock
from venvstacks.locking.pylock_text import simplest_marker
from venvstacks.locking.uv_texts import project_name
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.uv_failures import UvFailure

_MOST_CHAINS = 5


def explain_conflict(
    runs: UvRuns, below: Sequence[tuple[str, LayerLock]], failed: Mapping[TargetPlatform, UvFailure]
) -> LockError:
    """The error about requirements of `runs.layer` that cannot be fulfilled on the layers below.

    Args:
        runs: The layer, and a way to try again.
        below: Environment names and locks of the layers below.
        failed: uv's failure for each target that failed; the first one is explained.
    """
    layer = runs.layer
    together = resolve_together(runs, below, failed)
    if together and runs.request.adaptation.may_adapt(together):
        return LayerConflictError(layer.env_name, together)
    target, failure = next(iter(failed.items()))
    explanation = _explain_with_layers(runs, below, target) or failure.explanation
    names = {project_name(lower.env_name): lower.env_name for lower in (layer, *layer.below)}
    explained = [name_layers(line, names) for line in explanation]
    conflict = _Conflict(runs, target, " ".join(explained), dict(below))
    on_all = len(failed) == len(layer.platforms)
    where = "" if on_all else f" for {', '.join(target.name for target in failed)}"
    with_layers = f" together with {', '.join(conflict.involved)}" if conflict.involved else ""
    lines = (
        *explained,
        *conflict.chains(),
        *conflict.constraints(),
        *conflict.clashes(),
        *_describe_moves(together or ()),
    )
    return LockError(
        f"layer '{layer.env_name}' cannot be locked{where}: no set of packages fulfils its requirements{with_layers}",
        details=lines,
        hint=conflict.hint(together),
    )


def _describe_moves(needed: Iterable[NeededVersion]) -> Iterator[str]:
    """The versions that would resolve the conflict, one sentence for each."""
    moves = dict.fromkeys((each.layer, each.package, each.version, each.instead) for each in needed)
    for layer, package, version, instead in moves:
        yield f"all requirements could be fulfilled if layer '{layer}' held {package} {version} instead of {instead}"


class _Conflict:
    """A conflict on one target; the methods find out more about it with further runs of uv."""

    def __init__(self, runs: UvRuns, target: TargetPlatform, text: str, locks: Mapping[str, LayerLock]) -> None:
        self.runs = runs
        self.layer = runs.layer
        self.target = target
        self.locks = locks
        self.provided = runs.provision.on(target.name)
        self.involved = [lower.env_name for lower in self.layer.below if f"layer '{lower.env_name}'" in text]
        self.packages = [name for name in self.provided if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]

    def chains(self) -> Iterator[str]:
        """Chains of requirements that bring the conflicting packages into the lower layers and into this layer."""
        if not self.packages or not self.involved:
            return
        alone = self._alone()
        cached: dict[str, Dependencies | None] = {}
        for package in self.packages[:_MOST_CHAINS]:
            holder = self.provided[package].layer
            if holder not in cached:
                cached[holder] = self._dependencies_of(holder)
            lower = cached[holder]
            if lower and (chain := lower.describe_chain(package)):
                yield f"in layer '{holder}': {chain}"
            if alone and alone.versions.get(package, self.provided[package].version) != self.provided[package].version:
                yield f"in layer '{self.layer.env_name}', were it alone: {alone.describe_chain(package)}"

    def _alone(self) -> Dependencies | None:
        attempt = self.runs.attempt(self.target, Conditions(versions={}, annotated=True))
        return None if attempt.failure else read_dependencies(attempt.text, project_name(self.layer.env_name))

    def _dependencies_of(self, env_name: str) -> Dependencies | None:
        lock = self.locks[env_name]
        packages = (*lock.installed(self.target.name), *lock.shared(self.target.name))
        versions = {package.name: package.version for package in packages}
        return self.runs.for_layer(self._lower(env_name)).dependencies(self.target, versions)

    def _lower(self, env_name: str) -> Layer:
        return next(lower for lower in self.layer.below if lower.env_name == env_name)

    def constraints(self) -> Iterator[str]:
        """Constraints from files that exclude a version which a layer below holds."""
        for gathered in (found for found in self.layer.gathered if found.is_constraint):
            for line in gathered.lines:
                requirement = Requirement(line)
                found = self.provided.get(str(canonicalize_name(requirement.name)))
                if found and not requirement.specifier.contains(found.version, prereleases=True):
                    yield f"'{line}' in {gathered.origin} excludes {found.version}, which layer '{found.layer}' holds"

    def clashes(self) -> Iterator[str]:
        """Conflicting packages that two layers below hold in different versions."""
        for (place, package), clash in self.runs.provision.clashes.items():
            if place == self.target.name and package in self.packages:
                near = self.provided[package]
                yield (
                    f"{package} on {place}: {near.version} in layer '{near.layer}', "
                    f"{clash.version} in layer '{clash.layer}'"
                )

    def hint(self, needed: Sequence[NeededVersion] | None) -> str:
        """What the user can change."""
        own = f"change the requirements of '{self.layer.env_name}'"
        below = [each for each in needed or () if each.layer in self.locks]
        if not below:
            return own + (f", or those of {', '.join(self.involved)} below it" if self.involved else "")
        wanted = "; ".join(f"{', '.join(texts)} in '{name}'" for name, texts in self._requirements(below).items())
        if self.runs.request.adaptation.needed:  # adapting them has been tried
            return f"require {wanted}"
        layers = ", ".join(sorted({each.layer for each in below}))
        return f"run `venvstacks lock` for {layers} too, without --strict-layers: it adapts them; or require {wanted}"

    def _requirements(self, needed: Iterable[NeededVersion]) -> dict[str, list[str]]:
        """Environment name of a lower layer to requirements that give it these versions, with markers where needed."""
        places: dict[tuple[str, str, str], list[str]] = {}
        for each in sorted(needed):
            places.setdefault((each.layer, each.package, each.version), []).append(each.target)
        found: dict[str, list[str]] = {}
        for (name, package, version), targets in places.items():
            marker = simplest_marker(targets, self.locks[name].targets)
            pin = f"{package}=={version}"
            found.setdefault(name, []).append(f'"{pin}; {marker}"' if marker else pin)
        return found


def _explain_with_layers(
    runs: UvRuns, below: Sequence[tuple[str, LayerLock]], target: TargetPlatform
) -> tuple[str, ...] | None:
    folder = runs.staging / "layers"
    folder.mkdir(exist_ok=True)
    names = set()
    for env_name, lock in below:
        pins = [f"{package.name}=={package.version}" for package in lock.installed(target.name)]
        if pins:
            _write_layer_wheel(folder, project_name(env_name), pins)
            names.add(project_name(env_name))
    if not names:
        return None
    assigned = runs.layer.package_indexes.keys() & runs.provision.on(target.name).keys()
    conditions = Conditions(also=frozenset(names | assigned), versions={}, wheels=folder)
    failure = runs.attempt(target, conditions).failure
    return failure.explanation if failure and failure.kind == "conflict" else None


def _write_layer_wheel(folder: Path, name: str, requirements: list[str]) -> None:
    """Write a wheel without content that requires the packages of a layer; it is resolved, never installed."""
    file_name = f"{name.replace('-', '_')}-0"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 0", *(f"Requires-Dist: {r}" for r in requirements)]
    with zipfile.ZipFile(folder / f"{file_name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{file_name}.dist-info/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(f"{file_name}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{file_name}.dist-info/RECORD", "")


def name_layers(line: str, names: Mapping[str, str]) -> str:
    """A line of uv's output in which generated names of layers' distributions become `layer '<environment name>'`."""
    for name, env_name in sorted(names.items(), key=lambda item: -len(item[0])):
        line = re.sub(
            rf"(?:all versions of )?(?<![\w-]){re.escape(name)}(?:==0)?(?![\w-])", f"layer '{env_name}'", line
        )
    return re.sub(r"(layer '[^']+') depend\b", r"\1 depends", line)
