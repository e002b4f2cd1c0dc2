"""What has to hold on other platforms than this machine's, under emulators: Windows under Wine, ARM under qemu.

Usage: `python platform_checks.py FOLDER [CHECK...]`. The machines are made in the folder, or those that it has are used
again. Checks are `windows` and `arm`, which run at the same time where none is named, and three that take too long for
every commit: `application`, `macos` and `tests`. Fails if anything is not as it should be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import arm_checks
import arm_machine
import macos_wheels
import windows_application
import wine_checks
import wine_machine
from tried_stack import say


def on_windows(folder: Path, *checks: Callable[[wine_machine.Machine], None]) -> None:
    """Set the Windows machine up, unless the folder has it, and run checks on it at the same time."""
    machine = wine_machine.Machine(folder / "windows")
    if not machine.folder.exists():
        machine.folder.mkdir(parents=True)
        machine = wine_machine.set_up(machine.folder)
    with machine.switched_on(), ThreadPoolExecutor(len(checks)) as pool:
        say(f"a machine under Wine: {wine_machine.works(machine)}")
        for job in [pool.submit(check, machine) for check in checks]:
            job.result()
    say("Windows under Wine: all is well")


def on_arm(folder: Path) -> None:
    """Set the ARM machine up, and run all checks on it."""
    (folder / "arm").mkdir(parents=True)
    machine = arm_machine.set_up(folder / "arm")
    say(f"a machine under qemu: {arm_machine.works(machine)}")
    arm_checks.pipeline(machine)
    say("ARM under qemu: all is well")


CHECKS: Mapping[str, Callable[[Path], None]] = {
    "windows": lambda folder: on_windows(folder, wine_checks.pipeline, wine_checks.tests_of_every_commit),
    "arm": on_arm,
    "application": lambda folder: on_windows(folder, windows_application.application),
    "macos": macos_wheels.macos_wheels,
    "tests": lambda folder: on_windows(folder, wine_checks.tests_of_rooms),
}
ON_EVERY_COMMIT = ("windows", "arm")


def main(folder: Path, *names: str) -> None:
    """Run the named checks, and fail with the first that does."""
    if unknown := set(names) - set(CHECKS):
        raise SystemExit(f"unknown checks {sorted(unknown)}: there are {', '.join(CHECKS)}")
    if names:
        for name in names:
            CHECKS[name](folder)
        return
    with ThreadPoolExecutor(len(ON_EVERY_COMMIT)) as pool:
        for job in [pool.submit(CHECKS[name], folder) for name in ON_EVERY_COMMIT]:
            job.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
