"""Runs that are killed at some moment, and what the next run makes of what they left behind (Linux: reads /proc)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.sample_stack import Pond, make_pond
from venvstacks.archives.members import is_shipped
from venvstacks.digests import scan_tree, sha256_file, tree_digest

ROOT = Path(__file__).parents[2]

LOCK_TIME = '[tool.uv]\nexclude-newer = "2025-06-01T00:00:00Z"\n\n'
"""Makes the recorded lock time, and with it every archive, the same in all trials that lock from nothing."""

PIPELINE = """
import sys
from pathlib import Path
from venvstacks.api import Options, Request, load_project, run
from venvstacks.engine.outcomes import Silence

class Told(Silence):
    def ended(self, outcome):
        print(outcome.status, outcome.name, sep="\\t", flush=True)

options = Options(local_wheels=("wheels",), use_index=False, jobs=2)
request = Request(("lock", "build", "publish", "export"))
report = run(load_project(Path("venvstacks.toml"), options), request, Told())
for outcome in report.failures:
    print(outcome.name, outcome.error, file=sys.stderr)
sys.exit(int(report.exit_code))
"""
"""Locks, builds, links, archives and exports; prints a line as soon as a task has been written down."""


@dataclass(frozen=True)
class Remains:
    """What can be found in a folder after a run.

    Attributes:
        paths: All files, as relative paths, without bytecode, logs and the history of runs.
        results: Digests of locks and archives, and of exports as far as they do not name their own place.
    """

    paths: frozenset[str]
    results: dict[str, str]

    @classmethod
    def of(cls, base: Path) -> Remains:
        """Look at `base`."""
        passed_over = {base / "_build/.venvstacks/logs", base / "_build/.venvstacks/runs"}
        found = [path for path in base.rglob("*") if "__pycache__" not in path.parts and path.parent not in passed_over]
        results = {
            path.relative_to(base).as_posix(): sha256_file(path)
            for path in (*base.glob("requirements/*/*"), *base.glob("_artifacts/*"))
            if path.is_file()
        }
        for folder in base.glob("_export/*/"):
            if not folder.name.startswith("__"):
                results[f"_export/{folder.name}"] = tree_digest(scan_tree(folder, is_shipped))
        return cls(frozenset(path.relative_to(base).as_posix() for path in found), results)

    def faults(self, other: Remains) -> Iterator[str]:
        """In what `other` differs from this undisturbed one."""
        yield from (f"rubbish: {path}" for path in sorted(other.paths - self.paths))
        yield from (f"missing: {path}" for path in sorted(self.paths - other.paths))
        for name in sorted(self.results.keys() & other.results.keys()):
            if self.results[name] != other.results[name]:
                yield f"other bytes: {name}"


def make_unlocked_pond(base: Path, cache: Path) -> Pond:
    """The stack with a fixed lock time; nothing is locked."""
    pond = make_pond(base, cache)
    pond.spec.write_text(LOCK_TIME + pond.spec.read_text("utf-8"), "utf-8")
    return pond


def start_pipeline(pond: Pond) -> subprocess.Popen[str]:
    """Begin a run of the whole pipeline in a process of its own."""
    variables = {**pond.environment, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", PIPELINE], cwd=pond.base, env=variables, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def tasks_in(output: str) -> dict[str, str]:
    """Task name to what became of it, from what a pipeline printed."""
    lines = (line.split("\t") for line in output.splitlines() if "\t" in line)
    return {name: status for status, name in lines}


def run_pipeline(pond: Pond) -> dict[str, str]:
    """Run the pipeline to its end.

    Raises:
        AssertionError: It failed; holds what it said.
    """
    run = start_pipeline(pond)
    output, said = run.communicate(timeout=600)
    assert run.returncode == 0, said
    return tasks_in(output)


def kill_pipeline(pond: Pond, seconds: float, *, children_too: bool) -> dict[str, str] | None:
    """Start the pipeline and kill it after so many seconds.

    Args:
        pond: Where.
        seconds: The moment.
        children_too: Whether its child processes are killed with it, as when a container is stopped; otherwise they
            live on, as when the system runs out of memory.

    Returns:
        What became of tasks until then; None if the run was over before.
    """
    run = start_pipeline(pond)
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        victims = [run.pid]
        if children_too:
            run.send_signal(signal.SIGSTOP)  # so that it starts no more of them
            victims += descendants(run.pid)
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert run.stdout is not None
    assert run.stderr is not None
    output = os.read(run.stdout.fileno(), 1 << 16).decode()
    run.stdout.close()
    run.stderr.close()
    return tasks_in(output) if run.wait() == -signal.SIGKILL else None


def descendants(pid: int) -> list[int]:
    """All processes that `pid`, or one of these, has started and that still are its children."""
    parents: dict[int, list[int]] = {}
    for process, parent in _parents():
        parents.setdefault(parent, []).append(process)
    found = list(parents.get(pid, ()))
    for child in found:  # grows while it is read
        found += parents.get(child, ())
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(folder.name), int((folder / "stat").read_text().rpartition(")")[2].split()[1])


def processes_at_work_in(folder: Path, *, but: int | None = None) -> list[str]:
    """Command lines of living processes that name `folder`, or work there; `but` is the id of one that is left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(but):
            continue
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command or (process / "cwd").readlink().is_relative_to(folder):
                found.append(command)
    return found


def faults_after_a_kill(pond: Pond, undisturbed: Remains, seconds: float, *, children_too: bool) -> list[str] | None:
    """Kill a run at some moment, run it again at once, and say what is wrong with the result.

    Returns:
        Everything that is wrong; None if there was nothing left to kill.
    """
    before = kill_pipeline(pond, seconds, children_too=children_too)
    if before is None:
        return None
    try:
        after = run_pipeline(pond)
    except AssertionError as error:
        return [f"the next run failed: {error}"]
    done = {name for name, status in before.items() if status == "done"}
    repeated = sorted(name for name in done if after.get(name) == "done")
    faults = [f"done again: {name}" for name in repeated]
    faults += undisturbed.faults(Remains.of(pond.base))
    time.sleep(0.02)
    return faults + [f"still alive: {command}" for command in processes_at_work_in(pond.base)]
