"""The daily commands of contributors."""

from __future__ import annotations

import sys
from typing import Any

from tasks.reference import write_reference

CODE = ("venvstacks", "tasks", "tests", "benchmarks", "dodo.py", "sample_project", ".ci")
PYTHON = (sys.executable, "-m")


def _check(*commands: tuple[str, ...], doc: str) -> dict[str, Any]:
    """A task that always runs, and shows what its commands printed in one piece: several checks run at a time."""
    actions = [[*PYTHON, *command] for command in commands]
    return {"actions": actions, "uptodate": [False], "verbosity": 0, "meta": {"show": True}, "doc": doc}


def task_lint() -> dict[str, Any]:
    """Check style and format with ruff."""
    return _check(
        ("ruff", "check", *CODE), ("ruff", "format", "--check", *CODE), doc="check style and format with ruff"
    )


def task_types() -> dict[str, Any]:
    """Check types with mypy."""
    return _check(("mypy",), doc="check types with mypy")


def task_test() -> dict[str, Any]:
    """Run the tests."""
    # pytest writes to the terminal itself: it takes many minutes, and people like to see the dots
    command = [*PYTHON, "pytest", "-n", "auto"]
    return {"actions": [command], "uptodate": [False], "verbosity": 2, "io": {"capture": False}, "doc": "run the tests"}


def task_docs() -> dict[str, Any]:
    """Build the documentation into `_docs`; a broken link is an error."""
    # not --quiet: --strict does not count warnings that are not printed
    command = ("mkdocs", "build", "--strict", "--clean", "--site-dir", "_docs")
    return _check(command, doc="build the documentation into _docs")


def task_schema() -> dict[str, Any]:
    """Write the schema of the specification, and the generated tables of the documentation."""
    return {
        "actions": [write_reference],
        "uptodate": [False],  # made from half of the package, in a quarter of a second
        "verbosity": 0,
        "doc": "write the schema and the tables of the documentation",
    }


def task_bench() -> dict[str, Any]:
    """Measure this and the original."""
    command = [*PYTHON, "benchmarks"]
    return {
        "actions": [command],
        "uptodate": [False],
        "verbosity": 2,
        "io": {"capture": False},
        "doc": "run benchmarks",
    }


def task_pins() -> dict[str, Any]:
    """Renew `pdm.lock`, with a pdm that has the versions which it was tested with."""
    pdm = ["tool", "run", "--from", "pdm[locked]", "pdm"]
    command = [*PYTHON, "uv", *pdm, "lock", "--group", ":all", "--strategy", "no_static_urls"]
    return {"actions": [command], "uptodate": [False], "verbosity": 2, "doc": "renew pdm.lock"}
