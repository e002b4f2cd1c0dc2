"""Why a layer cannot be locked, told so that its user can mend it.

All targets are tried before anything is told. A conflict is resolved once more with every layer below standing in as
a wheel that requires what the layer holds: then uv's explanation names layers instead of bare constraints. A missing
wheel is left out and the rest resolved again, until nothing is missing any more: then all of them are known.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from venvstacks.errors import LockError, MissingWheelsError
from venvstacks.locking.locks import LayerLock, Provision
from venvstacks.locking.texts import project_name
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.process import Completed
from venvstacks.tools.uv import UvFailure, explain_failure

_Result = TypeVar("_Result")

_MOST_EXCLUSIONS = 25
"""A bound on how often missing wheels are left out one after the other; then what is known is told."""


@dataclass(frozen=True)
class Attempt:
    """What one run of uv for one target came to: the text of its lock, or a failure."""

    text: str
    failure: UvFailure | None

    @classmethod
    def of(cls, done: Completed, text: str) -> Attempt:
        """Read how uv ended."""
        return cls(text, explain_failure(done.stderr or done.stdout) if done.returncode else None)


class Resolution(Protocol):
    """What can be asked about a layer that failed to lock."""

    staging: Path
    provision: Provision
    below: list[tuple[str, LayerLock]]

    @property
    def layer(self) -> Layer:
        """The layer."""

    def attempt(
        self,
        target: TargetPlatform,
        *,
        also: frozenset[str] = frozenset(),
        excluded: Collection[str] = (),
        layer_wheels: Path | None = None,
    ) -> Attempt:
        """Resolve for one target under other conditions."""


def run_for_all(
    targets: Iterable[TargetPlatform], attempt: Callable[[TargetPlatform], _Result]
) -> dict[TargetPlatform, _Result]:
    """Make one attempt per target, all at the same time; the results in the order of the targets."""
    chosen = list(targets)
    with ThreadPoolExecutor(max_workers=max(1, len(chosen))) as pool:
        return dict(zip(chosen, pool.map(attempt, chosen), strict=True))


def raise_failure(resolution: Resolution, attempts: Mapping[TargetPlatform, Attempt]) -> NoReturn:
    """Tell why a layer cannot be locked.

    Args:
        resolution: The layer, and a way to try again.
        attempts: What was tried for each target; at least one failed.

    Raises:
        MissingWheelsError: Packages have no wheel for some targets.
        LockError: Anything else.
    """
    failed = {target: attempt.failure for target, attempt in attempts.items() if attempt.failure}
    for kind, tell in (("network", _tell_unreachable), ("other", _tell_refused), ("conflict", _tell_conflict)):
        alike = {target: failure for target, failure in failed.items() if failure.kind == kind}
        if alike:
            raise tell(resolution, alike)
    raise _tell_missing(resolution, failed, [target for target in attempts if target not in failed])


_Failures = Mapping[TargetPlatform, UvFailure]


def _tell_unreachable(resolution: Resolution, failed: _Failures) -> LockError:
    failure = next(iter(failed.values()))
    return LockError(
        f"layer '{resolution.layer.env_name}' cannot be locked, because a package index cannot be reached",
        details=failure.explanation,
        hint="check the network and the indexes in [tool.uv]; --no-index with --local-wheels locks without a network",
    )


def _tell_refused(resolution: Resolution, failed: _Failures) -> LockError:
    failure = next(iter(failed.values()))
    return LockError(
        f"layer '{resolution.layer.env_name}' cannot be locked: uv refuses its inputs", details=failure.explanation
    )


def _tell_conflict(resolution: Resolution, failed: _Failures) -> LockError:
    layer = resolution.layer
    target, failure = next(iter(failed.items()))
    explanation = _explain_with_layers(resolution, target) or failure.explanation
    names = {project_name(lower.env_name): lower.env_name for lower in (layer, *layer.below)}
    lines = [name_layers(line, names) for line in explanation]
    text = " ".join(lines)
    involved = [lower.env_name for lower in layer.below if f"layer '{lower.env_name}'" in text]
    lines += [
        f"{package} on {place}: {resolution.provision.on(place)[package].version} in layer "
        f"'{resolution.provision.on(place)[package].layer}', {clash.version} in layer '{clash.layer}'"
        for (place, package), clash in resolution.provision.clashes.items()
        if place == target.name and re.search(rf"\b{re.escape(package)}\b", text)
    ]
    on_all = len(failed) == len(layer.platforms)
    where = "" if on_all else f" for {', '.join(target.name for target in failed)}"
    with_whom = f" together with {', '.join(involved)}" if involved else ""
    change = f", or those of {', '.join(involved)} below it" if involved else ""
    return LockError(
        f"layer '{layer.env_name}' cannot be locked{where}: no set of packages fulfils its requirements{with_whom}",
        details=tuple(lines),
        hint=f"change the requirements of '{layer.env_name}'{change}",
    )


def _explain_with_layers(resolution: Resolution, target: TargetPlatform) -> tuple[str, ...] | None:
    folder = resolution.staging / "layers"
    folder.mkdir(exist_ok=True)
    names = set()
    for env_name, lock in resolution.below:
        pins = [f"{package.name}=={package.version}" for package in lock.installed(target.name)]
        if pins:
            _write_layer_wheel(folder, project_name(env_name), pins)
            names.add(project_name(env_name))
    if not names:
        return None
    failure = resolution.attempt(target, also=frozenset(names), layer_wheels=folder).failure
    return failure.explanation if failure and failure.kind == "conflict" else None


def _write_layer_wheel(folder: Path, name: str, requirements: list[str]) -> None:
    """A wheel without content that requires what a layer holds; it is resolved, never installed."""
    file_name = f"{name.replace('-', '_')}-0"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 0", *(f"Requires-Dist: {r}" for r in requirements)]
    with zipfile.ZipFile(folder / f"{file_name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{file_name}.dist-info/METADATA", "\n".join(lines) + "\n")
        wheel.writestr(f"{file_name}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{file_name}.dist-info/RECORD", "")


def name_layers(line: str, names: Mapping[str, str]) -> str:
    """A line of uv's with the distributions that stand for layers called what they are."""
    for name, env_name in sorted(names.items(), key=lambda item: -len(item[0])):
        line = re.sub(
            rf"(?:all versions of )?(?<![\w-]){re.escape(name)}(?:==0)?(?![\w-])", f"layer '{env_name}'", line
        )
    return re.sub(r"(layer '[^']+') depend\b", r"\1 depends", line)


def _tell_missing(
    resolution: Resolution, failed: _Failures, succeeded: Collection[TargetPlatform]
) -> MissingWheelsError:
    layer = resolution.layer
    missing = run_for_all(failed, lambda target: _find_missing(resolution, target, failed[target]))
    packages = sorted({package for found in missing.values() for package in found})
    width = max(map(len, packages))
    rows = [
        f"{package:<{width}}  {', '.join(target.name for target, found in missing.items() if package in found)}"
        for package in packages
    ]
    explanation = next(iter(failed.values())).explanation
    names = {project_name(layer.env_name): layer.env_name}
    hints = ["build wheels and use --local-wheels, or require a version that has them"]
    if succeeded:
        listed = ", ".join(f'"{target.name}"' for target in succeeded)
        hints.insert(0, f"this layer can be locked with platforms = [{listed}]")
    return MissingWheelsError(
        f"layer '{layer.env_name}' cannot be locked: packages have no wheels for some of its platforms",
        details=(*rows, *(name_layers(line, names) for line in explanation)),
        hint="; or ".join(hints),
    )


def _find_missing(resolution: Resolution, target: TargetPlatform, failure: UvFailure) -> tuple[str, ...]:
    """All packages that have no wheel for `target`."""
    missing = list(failure.packages)
    for _ in range(_MOST_EXCLUSIONS):
        further = resolution.attempt(target, excluded=tuple(missing)).failure
        new = [] if further is None else [package for package in further.packages if package not in missing]
        if not new:
            break
        missing += new
    return tuple(missing)
