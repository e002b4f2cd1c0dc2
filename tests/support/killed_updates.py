"""Updates by deltas that are killed, or fail, at steps at random: what is installed has to stay usable every time."""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from tests.support import killed_deploys
from tests.support.delta_publications import chain, compiled_stack
from tests.support.installed_applications import assert_clean, printed
from venvstacks.api import deployments as deployment

OLD, NEW = "one one 1", "three three 1"


def disturbed_updates(
    folder: Path, count: int, seed: int, *, begin: int = 0, verify_each: bool = True
) -> Iterator[str]:
    """Disturb an update over a chain of deltas so many times, half of them by SIGKILL; what was done each time.

    Args:
        folder: A new folder.
        count: How often.
        seed: For the steps.
        begin: How many of them to leave out, which another run has done.
        verify_each: Whether every file is compared each time, and not only in the end.

    Raises:
        AssertionError: Something else than the old or the new state was left.
    """
    places = chain(folder, ["one", "two", "three"], compiled_stack)
    old, new, place = places[0], places[-1], folder / "d"
    deployment.deploy(str(old), place)
    kept = Path(shutil.copytree(place, folder / "kept", symlinks=True))
    done = killed_deploys.run(new, place, "count")
    assert done.returncode == 0, done.stderr
    steps, chance = int(done.stdout), random.Random(seed)

    def restore() -> None:
        shutil.rmtree(place)
        shutil.copytree(kept, place, symlinks=True)

    restore()
    for number in range(begin, count):
        action = ("kill", "fail")[number % 2]
        step = min(steps, 1 + (steps - 1) * number // count + chance.randrange(1 + steps // count))
        done = killed_deploys.run(new, place, action, step)
        if action == "kill" and done.returncode == 0:  # fewer steps, as the one before has fetched the files
            restore()
            done = killed_deploys.run(new, place, action, step)
        assert done.returncode in {"kill": {-signal.SIGKILL}, "fail": {0, 6}}[action], (step, done.stderr)
        generation = deployment.status(place).generation
        is_new = generation.source == str(new)
        assert printed(place, "frog") == (NEW if is_new else OLD), step
        assert not deployment.status(place, verify=verify_each).differences, step
        yield f"{action} at step {step} of {steps}: {'new' if is_new else 'old'}"
        if is_new:
            restore()
    deployment.deploy(str(new), place)
    assert printed(place, "frog") == NEW
    assert_clean(place)
