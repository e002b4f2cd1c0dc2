"""The rules for the modules that the deployer carries, held over the source text.

They import the standard library and each other, and Python 3.9 can run them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from venvstacks.bundling.carried_modules import BUNDLE_ENTRY, carried_modules, package_folder

# What the deployer may import besides the standard library and itself, where there is such a package.
OPTIONAL = {"zstandard", "backports", "certifi", "rich", "tuf", "securesystemslib"}
# Of the standard library of later Pythons; each in a branch of its own.
LATER_MODULES = {"compression"}
# What Python 3.9 lacks, as these modules would use it: attributes of modules, and keywords of calls.
LACKING = {
    "typing.Self", "typing.TypeAlias", "typing.assert_never", "typing.NotRequired", "typing.Required", "datetime.UTC",
    "hashlib.file_digest", "itertools.pairwise", "itertools.batched", "contextlib.chdir", "contextlib.aclosing",
    "enum.StrEnum", "types.NoneType", "types.UnionType", "sys.stdlib_module_names", "inspect.get_annotations",
}  # fmt: skip
LACKING_KEYWORDS = {("dataclass", "slots"), ("dataclass", "kw_only"), ("zip", "strict")}
CARRIED = carried_modules(package_folder()) | carried_modules(package_folder(), BUNDLE_ENTRY)
each_carried_module = pytest.mark.parametrize("file", CARRIED.values(), ids=[*CARRIED])


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated: no annotation, and nothing for type checkers alone."""
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if name in {"annotation", "returns"} or not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield child
            yield from run_time_nodes(child)


@each_carried_module
def test_the_deployer_needs_nothing_but_the_standard_library(file: Path) -> None:
    nodes = list(run_time_nodes(ast.parse(file.read_text("utf-8"))))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    allowed = sys.stdlib_module_names | OPTIONAL | LATER_MODULES | {"venvstacks"}
    assert {module.partition(".")[0] for module in modules} <= allowed


@each_carried_module
def test_the_deployer_is_for_python_3_9(file: Path) -> None:
    text = file.read_text("utf-8")
    ast.parse(text, str(file), feature_version=(3, 9))
    assert "from __future__ import annotations" in text or not re.search(r"(->|:) .*\|", text)
    for node in run_time_nodes(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not {f"{node.module}.{alias.name}" for alias in node.names} & LACKING
        elif isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in LACKING
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            for side in (node.left, node.right):  # unions are for annotations: 3.9 has no such values
                is_type = isinstance(side, ast.Name) and side.id in {
                    "bool",
                    "bytes",
                    "dict",
                    "int",
                    "list",
                    "str",
                    "tuple",
                }
                assert not is_type, f"{file.name}:{node.lineno}"
                assert not (isinstance(side, ast.Constant) and side.value is None), f"{file.name}:{node.lineno}"
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func).rpartition(".")[2]
            assert not {(called, keyword.arg) for keyword in node.keywords} & LACKING_KEYWORDS, f"{file.name}"


def test_the_rules_of_the_deployer_would_notice(tmp_path: Path) -> None:
    assert len(CARRIED) > 80
    assert not {"venvstacks.cli.app", "venvstacks.records.published_metadata"} & CARRIED.keys()
    file = tmp_path / "x.py"
    file.write_text("from __future__ import annotations\nX = int | None\ndef f(a: int | None): ...\n")
    assert sum(isinstance(node, ast.BinOp) for node in run_time_nodes(ast.parse(file.read_text("utf-8")))) == 1
