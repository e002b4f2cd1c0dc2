"""What the closing check imports, and what it makes of a Python that fails."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.locked_layers import framework, runtime
from venvstacks._injected import check_child
from venvstacks.actions.building import import_check
from venvstacks.actions.building.import_check import (
    CheckRequest,
    check_imports,
    check_layer,
    distributions_to_check,
)
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.launches import Launch
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.records.tree_records import LibrariesRecord
from venvstacks.tools.files import write_atomically

LINUX = PLATFORMS["linux_x86_64"]
BASE = runtime("py", ["NumPy"])
LAYER = framework("pond", ["numpy>=1", "Frog.Legs[all]", "winter; sys_platform == 'win32'"], BASE)


@pytest.mark.parametrize(
    ("trust", "expected"),
    [(True, {"numpy": False, "frog-legs": True}), (False, {"numpy": True, "frog-legs": True})],
)
def test_what_a_layer_below_declares_was_imported_there(*, trust: bool, expected: dict[str, bool]) -> None:
    assert distributions_to_check(LAYER, LINUX, trust_below=trust) == expected


def test_requirements_of_other_platforms_do_not_count() -> None:
    assert "winter" in distributions_to_check(LAYER, PLATFORMS["win_amd64"], trust_below=True)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "its Python does not start"),
        ("echo '\"\"' > $4; echo boom >&2; exit 3", "its Python does not start\n  boom"),
        ("while :; do sleep 0.05; done", "importing '' did not end within 0.5 s"),
        ("echo '\"frog\"' > $4; trap '' TERM; sleep 60 & wait; sleep 60", "importing 'frog' did not end within 0.5 s"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays Python")
def test_a_python_that_does_not_do_its_work(tmp_path: Path, script: str, message: str) -> None:
    request, tools = played(tmp_path, script)
    with pytest.raises(ImportCheckError) as caught:
        check_imports(request, {"frog": True}, tools)
    assert message in str(caught.value)


REPORT = f"""echo '{
    json.dumps({"failures": [["frog", "frog", "wet"], ["frog", "frog.legs", "x"], ["", "m", "y"]], "compiled": []})
}' > $4"""


@pytest.mark.parametrize(
    ("script", "failures"),
    [
        ("echo '\"frog\"' > $4; echo boom >&2; exit 3", ["frog: Python ended with exit status 3; boom"]),
        ("echo '\"frog\"' > $4; kill -SEGV $$", ["frog: Python ended with exit status -11"]),
        ("echo '\"frog\"' > $4; printf '[[' >> $4", ["frog: ended the process"]),
        (
            REPORT,
            ["frog: wet", "frog: frog.legs: x", "m: y"],
        ),
        ("""echo noise; echo '"frog"' > $4; echo '{"failures": [], "compiled": []}' >> $4""", []),
        ("""sleep 60 & setsid sleep 60 & echo '{"failures": [], "compiled": []}' > $4""", []),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays Python")
def test_what_a_python_reports(tmp_path: Path, script: str, failures: list[str]) -> None:
    request, tools = played(tmp_path, script)
    assert list(map(str, check_imports(request, {"frog": True}, tools))) == failures
    assert list((tmp_path / "_build/.venvstacks/staging").iterdir()) == []


def played(base: Path, script: str) -> tuple[CheckRequest, Tools]:
    """A layer whose Python is a shell script; `$4` is the file that it reports to."""
    request = CheckRequest(LAYER, LINUX, StackLayout(), base, base / "logs/check.log", limit=0.5)
    write_atomically(request.environment / LAYER_CONFIG, json.dumps({"site_dir": "lib", "python": "bin/python"}))
    write_atomically(request.environment / "bin/python", f"#!/bin/sh\n{script}\n")
    (request.environment / "bin/python").chmod(0o755)
    if "did not" not in script and "trap" not in script and "while" not in script:
        request = replace(request, limit=30.0)
    return request, Tools(environment={"PATH": "/usr/bin:/bin"}, cache=base / "cache")


@pytest.mark.parametrize(
    ("reason", "fails_flat", "said"),
    [
        ("ImportError: libEGL.so.1", True, "in one flat environment, too: this machine may lack something"),
        ("ImportError: libEGL.so.1", False, "hint: in one flat environment these imports work"),
        ("ModuleNotFoundError: No module named 'pkg_resources'", True, "hint: one flat environment lacks it, too"),
        ("AttributeError: no main", True, "hint: one flat environment lacks it, too"),
        ("ModuleNotFoundError: No module named 'low'", False, "hint: in one flat environment these imports work"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays Python")
def test_a_launched_module_is_compared_with_a_flat_environment(
    reason: str,
    fails_flat: object,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = f"cat <<'EOF' > $4\n{json.dumps({'failures': [['', 'frog:main', reason]], 'compiled': []})}\nEOF\n"
    request, tools = played(tmp_path, answer)
    request = replace(request, layer=replace(LAYER, launches=(Launch("frog", "frog:main"),)))
    other = request.environment / "bin/flat"
    fine = f"echo '{json.dumps({'failures': [], 'compiled': []})}' > $4"
    asked = f"if grep -q '\"launches\": ..frog:main' $5; then {fine}; else {answer}fi"
    write_atomically(other, f"#!/bin/sh\n{answer if fails_flat else asked}\n")
    other.chmod(0o755)
    monkeypatch.setattr(import_check, "flat_environment", lambda _: nullcontext(other))
    monkeypatch.setattr(import_check.PassedCheck, "of", lambda *_: None)
    monkeypatch.setattr(import_check, "read_back", lambda *_: LibrariesRecord(libraries={}))
    try:
        answered = str(check_layer(request, tools))
    except ImportCheckError as error:
        answered = str(error)
    assert said in answered


@pytest.mark.parametrize(
    ("files", "shared", "expected"),
    [
        (["frog/__init__.py", "frog/legs.py", "frog-1.dist-info/METADATA"], set(), ["frog"]),
        (["newt.abi3.so", "newt.pyi"], set(), ["newt"]),
        (["_private.so", "_hidden/__init__.py", "six.py"], set(), ["six"]),
        (["tests/__init__.py", "docs/conf.py", "frog.py"], set(), ["frog"]),
        (["frog-stubs/__init__.pyi", "../../../bin/frog", "frog.pth", "frog/data.txt"], set(), []),
        (["space/pond/a.py", "space/bog/b.py"], set(), ["space"]),
        (["space/pond/a.py", "space/bog/b.py"], {"space"}, ["space.pond", "space.bog"]),
        (
            ["frog/__init__.py", "frog/legs.abi3.so", "frog/_x.py", "frog/deep/y.py"],
            {"frog"},
            ["frog.legs", "frog.deep"],
        ),
        (["frog/__init__.py"], {"frog"}, ["frog"]),
        (["secret/__init__.pyc", "secret/__pycache__/x.cpython-311.pyc"], set(), ["secret"]),
        ([], set(), []),
    ],
)
def test_modules_are_read_off_the_files(files: list[str], shared: set[str], expected: list[str]) -> None:
    assert check_child.modules_of(files, frozenset(shared)) == expected


def test_packages_are_shared_by_what_has_modules_in_them() -> None:
    listed = [["a/x.py", "b/y.py", "a-1.dist-info/RECORD"], ["a/z.so", "b/data.txt"], ["c.py"], ["c.py"]]
    assert check_child.shared_packages(listed) == {"a"}
