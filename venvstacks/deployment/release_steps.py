"""Releases of installed and offered applications, compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from venvstacks.deployment.release_order import order


@dataclass(frozen=True)
class ReleaseStep:
    """An application's way from the installed release to the offered one.

    Attributes:
        application: Its layer name.
        installed: The installed release; None if it was published without one, or is not installed.
        offered: The offered release; None if it was published without one.
        floor: The newest release that was ever installed here from a signed publication; None without one.
    """

    application: str
    installed: str | None
    offered: str | None
    floor: str | None = None

    @property
    def is_older(self) -> bool:
        """Whether the offered release is older than the installed one.

        A publication without a release was made by an earlier version, so it is older than all that have one.
        """
        known = [release for release in (self.installed, self.floor) if release is not None]
        if not known or self.offered is None:
            return bool(known)
        return order(self.offered) < max(map(order, known))

    @property
    def text(self) -> str:
        """The step in words, without the application: `2.4.0 -> 2.4.1`, or one release where there is no other."""
        if self.installed in {None, self.offered}:
            return self.offered or "no release"
        return f"{self.installed} -> {self.offered or 'no release'}"


def release_steps(
    names: Iterable[str], installed: Mapping[str, str], offered: str | None, floor: Mapping[str, str] | None = None
) -> tuple[ReleaseStep, ...]:
    """The steps of applications to what one publication offers.

    Args:
        names: The applications.
        installed: Releases of the installed applications.
        offered: The release of the publication.
        floor: The newest release that was ever installed of each application.
    """
    floor = floor or {}
    return tuple(ReleaseStep(name, installed.get(name), offered, floor.get(name)) for name in names)


def raised_floor(floor: Mapping[str, str], steps: Iterable[ReleaseStep]) -> dict[str, str]:
    """The floor after these steps; one that was allowed to lead to an older release lowers it."""
    offered = {step.application: step.offered for step in steps if step.offered is not None}
    return dict(sorted({**floor, **offered}.items()))


def release_lines(steps: Iterable[ReleaseStep]) -> Iterator[str]:
    """The steps for people: a line for each different step, with its applications; none without any release."""
    by_text: dict[str, list[str]] = {}
    for step in steps:
        if step.installed is not None or step.offered is not None:
            by_text.setdefault(step.text, []).append(step.application)
    for text, names in by_text.items():
        yield f"release {text} ({', '.join(names)})"
