"""The modules that the deployer carries: everything that its command line imports, found in the source text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ENTRY = "venvstacks.cli.deployer_program"
"""The module with the deployer's command line."""

BUNDLE_ENTRY = "venvstacks.cli.bundle_program"
"""The module with the command line of bundles."""

PROGRAMS = ("venvstacks.deployment.steps.compare_bytecode",)
"""Modules that other Pythons run, and that nothing imports."""

NOT_CARRIED = frozenset({
    "venvstacks.cli.app",  # typer's command line
    "venvstacks.cli.version",
})  # fmt: skip
"""Modules that functions import which the deployer does not call."""


def package_folder() -> Path:
    """The folder of this program's package."""
    return Path(__file__).parents[1]


def carried_modules(package: Path, entry: str = ENTRY) -> dict[str, Path]:
    """The modules by name, with their files, sorted; packages included.

    Args:
        package: The folder of the package.
        entry: The module to begin with.
    """
    found: dict[str, Path] = {}
    waiting = [entry, *PROGRAMS]
    while waiting:
        name = waiting.pop()
        file = _file(package, name)
        if name in found or file is None:
            continue
        found[name] = file
        parent = name.rpartition(".")[0]
        waiting += [parent] if parent else []
        waiting += [one for one in imported_names(file) if one not in NOT_CARRIED]
    return dict(sorted(found.items()))


def _file(package: Path, name: str) -> Path | None:
    place = package.parent.joinpath(*name.split("."))
    candidates = place.with_suffix(".py"), place / "__init__.py"
    return next((one for one in candidates if one.is_file()), None) if name.startswith(package.name) else None


def imported_names(file: Path) -> Iterator[str]:
    """The modules that a file imports, and the names that may be modules; not those for type checkers alone.

    Of a package's own file, only what it imports when it is loaded itself.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    for node in tree.body if file.name == "__init__.py" else _walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield child
            yield from _walk(child)
