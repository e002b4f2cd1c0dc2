"""Plans held against real runs on random small graphs: nothing said to run stays, nothing said to stay runs.

200 examples of four rounds with seven tasks each are 5,600 predictions.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.tiny_graphs import Bench

SOURCES = ("s0", "s1", "s2", "s3")
TASKS = 7


def random_graph(rnd: random.Random) -> str:
    lines = []
    trees: dict[str, set[str]] = {}
    for number in range(TASKS):
        below = [f"o{lower}" for lower in range(number)]
        inputs = rnd.sample(SOURCES, rnd.randint(0, 2)) + rnd.sample(below, min(number, rnd.randint(0, 2)))
        ordering = f" < t{rnd.randrange(number)}" if number and rnd.random() < 0.2 else ""
        # a task works in the environments of those whose results it reads, and of those that they were made in
        used = {tree for path in inputs for tree in trees.get(path, ())}
        made, own = _environment(number, inputs, trees, rnd)
        trees[f"o{number}"] = {*used, *own}
        inputs += [f"[{tree}]" for tree in sorted(used)]
        lines.append(f"t{number}: {' '.join(inputs or [SOURCES[0]])} -> o{number}{made}{ordering}")
    return "\n".join(lines)


def _environment(
    number: int, inputs: list[str], trees: dict[str, set[str]], rnd: random.Random
) -> tuple[str, list[str]]:
    """What a task leaves in an environment: in its own, or in that of a task before it."""
    hosts = [path[1:] for path in inputs if f"e{path[1:]}" in trees.get(path, ())]
    chance = rnd.random()
    if hosts and chance < 0.5:
        return f" [w{number}@t{rnd.choice(hosts)}]", [f"w{number}"]
    return (f" [e{number}]", [f"e{number}"]) if chance < 0.5 else ("", [])


def disturb(bench: Bench, rnd: random.Random) -> None:
    """Change one or two things as users do."""
    for _ in range(rnd.randint(0, 2)):
        match rnd.choice(["source", "source", "output", "delete", "away", "version", "rewire"]):
            case "source":
                (bench.base / rnd.choice(SOURCES)).write_text("".join(rnd.choices("abc", k=3)))
            case "output":
                (bench.base / f"o{rnd.randrange(TASKS)}").write_text("tampered")
            case "delete":
                (bench.base / f"o{rnd.randrange(TASKS)}").unlink(missing_ok=True)
            case "away":  # as when a CI system restores the state without environments
                for tree in bench.base.glob("[ew]*"):
                    tree.unlink()
            case "version":
                bench.versions[f"t{rnd.randrange(TASKS)}"] = rnd.randint(1, 3)
            case _:
                bench.text = random_graph(rnd)


def steps(seed: int, base: Path) -> Iterator[tuple[str, str, str]]:
    """What was planned and what became of each task, over a few rounds of changes and runs.

    A task that has to run for no reason of its own is one whose files a task before it sweeps away.
    """
    rnd = random.Random(seed)
    bench = Bench(base, random_graph(rnd))
    for source in SOURCES:
        (base / source).write_text("".join(rnd.choices("abc", k=3)))
    for _ in range(4):
        forced = [f"t{rnd.randrange(TASKS)}"] if rnd.random() < 0.2 else []
        wanted = [f"t{rnd.randrange(TASKS)}"] if rnd.random() < 0.2 else []
        planned = bench.plan(forced, wanted)
        bench.run(forced, wanted, jobs=rnd.choice([1, 3]))
        for name, task in planned.items():
            swept = task.status == "run" and not task.reasons
            yield name, "swept away" if swept else task.status, bench.statuses()[name]
        assert bench.plan().keys() == {name for name, task in bench.plan().items() if task.status == "up to date"}
        disturb(bench, rnd)


ALLOWED = {
    ("run", "done"),
    ("swept away", "done"),
    ("maybe", "done"),
    ("maybe", "up to date"),
    ("up to date", "up to date"),
}


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_plans_hold(seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wrong = [step for step in steps(seed, Path(folder)) if step[1:] not in ALLOWED]
    assert wrong == []


def test_the_fuzz_meets_every_case(tmp_path: Path) -> None:
    met = set()
    for seed in range(12):
        base = tmp_path / str(seed)
        base.mkdir()
        met |= {step[1:] for step in steps(seed, base)}
    assert met == ALLOWED


@pytest.mark.parametrize("keep_going", [False, True])
def test_what_a_plan_calls_blocked_fails_or_is_blocked(tmp_path: Path, *, keep_going: bool) -> None:
    bench = Bench(tmp_path)
    planned = bench.plan()  # the source is not there
    assert [task.status for task in planned.values()] == ["blocked"] * 3
    assert [str(reason) for reason in planned["a"].reasons] == ["never run", "missing input: s"]
    bench.run(keep_going=keep_going)
    assert bench.ran == []
    expected = ["failed", "blocked", "blocked"] if keep_going else ["failed", "not run", "not run"]
    assert list(bench.statuses().values()) == expected
