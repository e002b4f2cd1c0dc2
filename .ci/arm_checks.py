"""What has to hold on Linux with an ARM processor, tried under qemu: a stack that this machine builds for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from arm_machine import NUMPY, PYTHON_VERSION, ArmMachine
from tried_stack import OFFLINE, Platform, Project, fail, here, say

ARM = Platform("linux_aarch64", "qemu", "aarch64", PYTHON_VERSION, NUMPY)


def pipeline(machine: ArmMachine) -> None:
    """Build a stack on both machines, deploy what this one has built, and take an update and a rollback."""
    project = Project(machine, ARM)
    crossed = machine.folder / "on this machine"
    here(project.folder, "lock", *OFFLINE)
    shutil.copytree(project.folder, crossed)
    project.build_here(crossed)
    say("built on this machine, without an emulator")
    unchecked = "--no-check-imports"  # the update's imports are checked, through the emulator
    project.do("build", "--publish", unchecked, *OFFLINE)
    project.compare_archives(crossed)
    project.check(project.printed("quak"), "run", unchecked, "frog", "a b")
    deploy = ("deploy", str(crossed / "_artifacts"), "--to", "deployed")
    started = ("exec", "deployed", "frog", "a b")
    project.do(*deploy)
    project.check(project.printed("quak"), *started)
    _update(project, crossed)
    project.do(*deploy)
    project.check(project.printed("unk"), *started)
    project.check("every file is as it was published", "status", "deployed", "--verify")
    project.do("rollback", "deployed")
    project.check(project.printed("quak"), *started)


def _update(project: Project, crossed: Path) -> None:
    """Publish another release of the application; its imports are checked through the emulator."""
    machine = project.machine
    assert isinstance(machine, ArmMachine)  # noqa: S101 - `pipeline` made it
    project.write_application("unk")
    shutil.copy(project.folder / "frog.py", crossed)
    with (crossed / project.specification.name).open("a", encoding="utf-8") as stream:
        stream.write(f"\n[tool.venvstacks.emulators]\n{ARM.name} = {json.dumps(machine.emulator)}\n")
    project.build_here(crossed)
    logs = sorted((crossed / "_build").rglob("check*frog*.log"))
    if not any(machine.emulator[0] in log.read_text("utf-8") for log in logs):
        fail(f"imports were not checked through the emulator: {logs}")
    say("an update was built on this machine, and its imports checked through the emulator")
    said = here(crossed, "run", "--platform", ARM.name, "frog", "a b")
    if not said.endswith(project.printed("unk")):
        fail(f"`venvstacks run --platform {ARM.name}` on this machine prints: {said}")
    here(crossed, "verify", "--platform", ARM.name, *OFFLINE)
    say("the update was started through the emulator, and its archives were made a second time with the same bytes")
