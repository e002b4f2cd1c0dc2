"""Where a layer boundary runs: packages split over layers at random, so that no layer needs one above it."""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LAYERS = ("low", "middle", "app")


def split(needs: Mapping[str, Collection[str]], seed: str) -> dict[str, list[str]]:
    """Packages by layer: two frameworks, one on the other, and an application on both.

    Args:
        needs: Each package's direct dependencies among all packages.
        seed: Chooses the boundary.
    """
    chance = random.Random(seed)  # noqa: S311 - a boundary, not a secret
    low = _closure(set(chance.sample(sorted(needs), len(needs) // 5 or 1)), needs)
    rest = sorted(set(needs) - low)
    middle = _closure(set(chance.sample(rest, len(rest) // 3)), needs) - low
    app = set(needs) - low - middle
    return dict(zip(LAYERS, (sorted(low), sorted(middle), sorted(app)), strict=True))


def _closure(names: set[str], needs: Mapping[str, Collection[str]]) -> set[str]:
    done: set[str] = set()
    while names:
        done |= names
        names = set().union(*(needs[name] for name in names)) - done
    return done


def direct_needs(requirements: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """What packages need among themselves; a need under any marker or extra counts, so that layers stay closed."""
    return {
        name: {str(canonicalize_name(Requirement(text).name)) for text in texts} & requirements.keys()
        for name, texts in requirements.items()
    }


def specification(layers: Mapping[str, Collection[str]], versions: Mapping[str, str], python: str) -> str:
    """A stack that holds exactly these packages, with the probe as its application."""

    def pinned(layer: str) -> str:
        return json.dumps([f"{name}=={versions[name]}" for name in layers[layer]])

    common = 'platforms = ["linux_x86_64"]\nlinux_target = "glibc@2.36"\n'
    return (
        f'[[runtimes]]\nname = "python"\npython_implementation = "cpython@{python}"\nrequirements = []\n{common}\n'
        f'[[frameworks]]\nname = "low"\nruntime = "python"\nrequirements = {pinned("low")}\n{common}\n'
        f'[[frameworks]]\nname = "middle"\nframeworks = ["low"]\nrequirements = {pinned("middle")}\n{common}\n'
        f'[[applications]]\nname = "probe"\nframeworks = ["middle"]\nlaunch_module = "probe.py"\n'
        f"requirements = {pinned('app')}\n{common}\n"
        '[tool.venvstacks]\nruntime-providers = ["host"]\ncompression = "fast"\n'
    )
