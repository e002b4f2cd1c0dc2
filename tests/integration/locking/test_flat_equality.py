"""The promise of layered locks: on every target, a chain of layers holds what one flat resolution would install."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.locking.conftest import Bench
from tests.support.locked_layers import THREE, framework, runtime
from venvstacks.model.stack import Layer

NAMES = tuple("abcdef")
MARKERS = (
    "", "", "", "; sys_platform == 'win32'", "; sys_platform != 'win32'", "; platform_machine == 'arm64'",
    "; python_full_version < '3.11.8'", "; python_full_version >= '3.12'",
)  # fmt: skip

# What a package needs is among the later ones, in part only with its extra; circles are for other tests.
_Needs = list[list[tuple[str, str, bool]]]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[_Needs, list[list[str]]]:
    """What each package needs, and what each of three layers requires."""
    needs: _Needs = []
    for place in range(1, len(NAMES)):
        need = st.tuples(st.sampled_from(NAMES[place:]), st.sampled_from(MARKERS), st.booleans())
        needs.append(draw(st.lists(need, max_size=3)))
    needs.append([])
    requirement = st.builds(
        lambda name, extra, marker: f"{name}{'[more]' if extra else ''}{marker}",
        st.sampled_from(NAMES), st.booleans(), st.sampled_from(MARKERS),
    )  # fmt: skip
    layers = [draw(st.lists(requirement, min_size=1, max_size=3, unique=True)) for _ in range(3)]
    return needs, layers


def stock(bench: Bench, needs: _Needs) -> None:
    for name, found in zip(NAMES, needs, strict=True):
        requires = []
        for other, marker, only_extra in found:
            condition = marker.removeprefix("; ")
            if only_extra:
                condition = f"({condition}) and extra == 'more'" if condition else "extra == 'more'"
            requires.append(f"{other}{f'; {condition}' if condition else ''}")
        requires += ["never-there; extra == 'more' and python_version < '3'"]  # so that there is such an extra
        bench.wheel(name, requires=requires)
        bench.wheel(name, "2.0", requires=requires)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_a_chain_of_layers_holds_what_one_flat_resolution_installs(world: tuple[_Needs, list[list[str]]]) -> None:
    needs, (bottom, middle, top) = world
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder) / "spec")
        stock(bench, needs)
        base = runtime("base", bottom)
        lower = framework("lower", middle, base)
        upper = framework("upper", top, lower, base)
        chain: list[Layer] = [base, lower, upper]
        locks = [bench.lock(layer).after for layer in chain]
        flat = bench.lock(runtime("flat", [*bottom, *middle, *top])).after
        for target in THREE:
            held = [{p.name: p.version for p in lock.installed(target)} for lock in locks]
            assert sum(map(len, held)) == len({name for layer in held for name in layer}), "each package once"
            together = held[0] | held[1] | held[2]
            assert together == {p.name: p.version for p in flat.installed(target)}
            for place, lock in enumerate(locks):
                needed = {p.name for p in lock.shared(target)}
                assert needed <= {name for layer in held[:place] for name in layer}, "what is shared is below"
                own = bench.lock(runtime(f"own{place}", [bottom, middle, top][place])).after
                assert {p.name for p in own.installed(target)} == held[place].keys() | needed
