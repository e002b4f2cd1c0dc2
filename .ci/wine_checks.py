"""What has to hold on Windows, tried under Wine: the unit tests, and a stack from its specification to a rollback."""

from __future__ import annotations

import re
import shutil
import subprocess

from emulated_machine import ROOT
from tried_stack import OFFLINE, Platform, Project, fail, here, say
from windows_bundle import bundle
from wine_machine import NUMPY, PYTHON_VERSION, Machine

WINDOWS = Platform("win_amd64", "Wine", "AMD64", PYTHON_VERSION, NUMPY)
ROOMS = {
    "tests/actions/archives": 200,
    "tests/actions/building": 60,
    "tests/actions/linking": 120,
    "tests/actions/publishing": 90,
    "tests/actions/records": 30,
    "tests/actions/runtimes": 80,
    "tests/actions/tools": 130,
    "tests/engine": 60,
}
"""Rooms whose tests pass on Windows, or ask for what a system can do, and how many pass; see docs/platforms.md."""
ON_EVERY_COMMIT = ("tests/actions/building", "tests/actions/linking")
DRAWN = ("tests/actions/publishing", "tests/actions/runtimes", "tests/engine")
"""Rooms of which each commit runs one: no test in them has so little time that a busy machine fails it."""
TOO_SLOW = ("--ignore=tests/engine/test_plans_against_runs.py",)
OPTIONS = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=short", "-rs")


def unit_tests(machine: Machine) -> None:
    """Run all unit tests."""
    _run_tests(machine, "tests/unit", least=2000)


def tests_of_every_commit(machine: Machine) -> None:
    """Run all unit tests, the tests of fast rooms, and those of a room that the commit's digest draws."""
    unit_tests(machine)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for room in (*ON_EVERY_COMMIT, DRAWN[int(commit, 16) % len(DRAWN)]):
        _run_tests(machine, room, ROOMS[room])


def tests_of_rooms(machine: Machine) -> None:
    """Run the tests of all rooms: together, they take too long under Wine for every commit."""
    for room, least in ROOMS.items():
        _run_tests(machine, room, least)


def _run_tests(machine: Machine, folder: str, least: int) -> None:
    """Run the tests of a folder; none may fail, some have to pass, and those that are skipped are counted."""
    done = machine.run_python("-m", "pytest", *OPTIONS, *TOO_SLOW, folder, limit=1800, PYTHONUTF8="1")
    passed = re.search(r"(\d+) passed", done.output)
    if done.status or passed is None or int(passed[1]) < least:
        fail(f"{folder} under Wine, exit status {done.status}:\n{done.output[-20_000:]}")
    skipped = re.search(r"(\d+) skipped", done.output)
    say(f"{folder}: {passed[1]} passed, {skipped[1] if skipped else 0} skipped")
    print("\n".join(line for line in done.output.splitlines() if line.startswith("SKIPPED")))


def pipeline(machine: Machine) -> None:
    """Take a stack from its specification to a deployment, an update and a rollback."""
    project = Project(machine, WINDOWS)
    project.check("|   `-- *framework-water", "show")
    project.check("21 run", "plan")
    project.do("lock", *OFFLINE)
    _compare_locks(project)
    project.do("build", "--publish", *OFFLINE)
    project.check("21 up to date", "build", "--publish", *OFFLINE)
    _compare_archives(project)
    project.check(project.printed("quak"), "run", "frog", "a b")
    project.do("local-export", "--include", "app-frog")
    project.do("verify", *OFFLINE)
    project.do("deploy", "_artifacts", "--to", "deployed")
    project.check(project.printed("quak"), "exec", "deployed", "frog", "a b")
    project.write_application("unk")
    project.do("build", *OFFLINE)
    project.do("keys", "init", "keys", "--publisher", "Pond")
    project.do("publish", "--sign", "keys")
    project.check("signed by Pond", "deploy", "_artifacts", "--to", "deployed", "--trust", "keys/roots/1.root.json")
    project.check(project.printed("unk"), "exec", "deployed", "frog", "a b")
    bundle(machine, project, project.printed("unk"))
    project.check("every file is as it was published", "status", "deployed", "--verify")
    project.do("rollback", "deployed")
    project.check(project.printed("quak"), "exec", "deployed", "frog", "a b")
    shutil.rmtree(project.folder / "_artifacts/__venvstacks__/tuf")
    project.refuse("lacks signed metadata", "deploy", "_artifacts", "--to", "deployed")


def _compare_locks(project: Project) -> None:
    """Lock on this machine as well: locks do not depend on the system that writes them."""
    written = _without_times(project.digests("requirements"))
    shutil.rmtree(project.folder / "requirements")
    here(project.folder, "lock", *OFFLINE)
    if _without_times(project.digests("requirements")) != written:
        fail(f"locks differ between Windows and this machine: {written}, {project.digests('requirements')}")
    say("locks are the same as on this machine")


def _compare_archives(project: Project) -> None:
    """Build for Windows on this machine, from the same locks."""
    folder = project.machine.folder / "on this machine"
    shutil.copytree(project.folder, folder, ignore=shutil.ignore_patterns("_*"))
    project.build_here(folder)
    project.compare_archives(folder)


def _without_times(digests: dict[str, str]) -> dict[str, str]:
    """Those of files that do not hold the time of locking."""
    return {path: digest for path, digest in digests.items() if not path.endswith(".meta.json")}
