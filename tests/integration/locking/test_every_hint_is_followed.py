"""Whoever adds a hint to locking adds a row that follows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.integration.locking import test_hints_of_inputs, test_hints_of_layers, test_hints_of_wheels
from venvstacks.cli import declared_options, lock_command, option_groups, stack_commands

PACKAGE = Path(__file__).parents[3] / "venvstacks"
ROWS = (test_hints_of_layers.hint, test_hints_of_wheels.hint, test_hints_of_inputs.hint)
LOCKING = ("actions/locking", "locking", "loading", "tools/uv.py", "model/foreign_sources.py", "api/lock_state.py")
OTHERS = {
    "check its permissions": "modes of files do not bind the user who runs tests in CI",
    "check its name and permissions": "the same, for modules",
    "name a folder, or a URL as https://host/x": "locking asks no store of shared results",
    "check its name": "the same, for projects",
    "name both: --emulator 'linux_aarch64=qemu-aarch64 -L /usr/aarch64-linux-gnu'": "locking takes no emulators",
}
"""Hints of these modules that no row follows, and why."""
INSTALLING = "_INSTALL_HINTS"
"""What `tools/uv.py` says about installations, not about locking."""


def hints_of(file: Path) -> Iterator[str]:
    """The texts of hints in a module: of arguments `hint`, and in functions and constants whose names speak of hints.

    Parts of f-strings that are no literals become `{}`.
    """
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in {"hint", "full", "refused", "in_the_way", "otherwise"}:
            yield from texts_in(node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = " ".join(ast.unparse(target) for target in targets)
            if re.search("hint|cure", names, re.IGNORECASE) and names != INSTALLING:
                yield from texts_in(node.value)
        elif isinstance(node, ast.FunctionDef) and "hint" in node.name:
            for statement in node.body[1:]:  # without its docstring
                yield from (text for text in texts_in(statement) if len(re.findall(r"[A-Za-z]{2,}", text)) > 3)


def texts_in(node: ast.AST | None) -> Iterator[str]:
    """The texts in an expression or a statement; of pairs, which are of what is wrong and the hint, the second one."""
    if isinstance(node, ast.Tuple) and len(node.elts) == 2:
        yield from texts_in(node.elts[1])
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from texts_in(value)
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.AST) and not isinstance(node, ast.Compare | ast.Subscript):
        for child in ast.iter_child_nodes(node):
            yield from texts_in(child)


def written() -> set[str]:
    """All hints that locking can print."""
    places = (PACKAGE / place for place in LOCKING)
    files = (file for place in places for file in ([place] if place.suffix else place.glob("*.py")))
    return {text for file in files for text in hints_of(file) if len(re.findall("[A-Za-z]{2,}", text)) > 1}


def test_every_hint_of_locking_has_a_row() -> None:
    rows = [text for module in ROWS for row in module for text in row.texts]
    hints = written()
    assert len(hints) > 40
    assert sorted(text for text in hints if text not in OTHERS and not any(part in text for part in rows)) == []
    assert sorted(part for part in rows if not any(part in text for text in hints)) == [], "rows of hints that are gone"


def test_options_that_hints_name_exist() -> None:
    modules = (declared_options, lock_command, option_groups, stack_commands)
    source = "".join(Path(module.__file__ or "").read_text("utf-8") for module in modules)
    named = {option for text in written() for option in re.findall(r"--[a-z][a-z-]+", text)}
    assert "--local-wheels" in named
    assert {o for o in named if o not in source and f"{o[2:].replace('-', '_')}:" not in source} == set()
