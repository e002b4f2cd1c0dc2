"""What has to hold on other platforms than this machine's, under emulators: Windows under Wine, ARM under qemu.

Usage: `python platform_checks.py FOLDER`. All parts run at the same time. Fails if anything is not as it should be.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import arm_checks
import arm_machine
import wine_checks
import wine_machine
from tried_stack import say


def windows(folder: Path) -> None:
    """Set the Windows machine up, and run all checks on it."""
    machine = wine_machine.set_up(folder)
    with machine.switched_on(), ThreadPoolExecutor(2) as pool:
        say(f"a machine under Wine: {wine_machine.works(machine)}")
        for job in [pool.submit(wine_checks.pipeline, machine), pool.submit(wine_checks.unit_tests, machine)]:
            job.result()
    say("Windows under Wine: all is well")


def arm(folder: Path) -> None:
    """Set the ARM machine up, and run all checks on it."""
    machine = arm_machine.set_up(folder)
    say(f"a machine under qemu: {arm_machine.works(machine)}")
    arm_checks.pipeline(machine)
    say("ARM under qemu: all is well")


def main(folder: Path) -> None:
    """Run everything, and fail with the first part that does."""
    with ThreadPoolExecutor(2) as pool:
        jobs = []
        for name, part in (("windows", windows), ("arm", arm)):
            (folder / name).mkdir(parents=True)
            jobs.append(pool.submit(part, folder / name))
        for job in jobs:
            job.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
