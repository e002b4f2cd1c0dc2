"""The daily commands of whoever works on this repository."""

from __future__ import annotations

from typing import Any

_CODE = ["venvstacks", "tasks", "tests", "dodo.py", "sample_project/launch_modules", "sample_project/support_modules"]


def _command(*actions: list[str], doc: str) -> dict[str, Any]:
    return {"actions": list(actions), "uptodate": [False], "verbosity": 2, "doc": doc}


def task_lint() -> dict[str, Any]:
    """Check style and format with ruff."""
    return _command(["ruff", "check", *_CODE], ["ruff", "format", "--check", *_CODE], doc="check style with ruff")


def task_types() -> dict[str, Any]:
    """Check types with mypy."""
    return _command(["mypy"], doc="check types with mypy")


def task_test() -> dict[str, Any]:
    """Run the tests."""
    return _command(["pytest"], doc="run the tests")


def task_docs() -> dict[str, Any]:
    """Build the documentation into `_docs`."""
    return _command(["mkdocs", "build", "--strict", "--site-dir", "_docs"], doc="build the documentation")


def task_schema() -> dict[str, Any]:
    """Write the JSON schema of the specification."""
    return _command(["python", "-m", "tasks.schema"], doc="write the JSON schemas")
