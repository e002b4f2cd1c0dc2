"""What the closing check imports, and what it makes of a Python that fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.locked_layers import framework, runtime
from venvstacks._injected import child
from venvstacks.actions.building.import_check import check_imports, distributions_to_check
from venvstacks.actions.toolset import Tools
from venvstacks.errors import ImportCheckError
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.platforms import PLATFORMS
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
        (
            "echo '\"frog\"' > $6; echo boom >&2; exit 3",
            "Python fails while it imports 'frog'\n  boom\n  exit status 3",
        ),
        ("echo '\"frog\"' > $6; kill -SEGV $$", "fails while it imports 'frog'\n  exit status -11"),
        ("echo '\"frog\"' > $6; printf '[[' >> $6", "frog: ended the process"),
        ('echo \'[["frog", "too wet"]]\' > $6', "frog: too wet"),
        ("echo noise; echo '\"frog\"' > $6; echo '[]' >> $6", ""),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script plays Python")
def test_however_python_fails_the_message_says_at_what(tmp_path: Path, script: str, message: str) -> None:
    environment = tmp_path / "env"
    write_atomically(environment / LAYER_CONFIG, json.dumps({"site_dir": "lib", "python": "bin/python"}))
    write_atomically(environment / "bin/python", f"#!/bin/sh\n{script}\n")
    (environment / "bin/python").chmod(0o755)
    tools, log = Tools(environment={}, cache=tmp_path / "cache"), tmp_path / "logs/link.log"
    if message:
        with pytest.raises(ImportCheckError) as caught:
            check_imports(LAYER, environment, {"frog": True}, log, tools)
        assert message in str(caught.value)
    else:
        check_imports(LAYER, environment, {"frog": True}, log, tools)
    assert not log.with_suffix(".imports").exists()


class Installed:
    """A distribution with these files."""

    def __init__(self, *paths: str) -> None:
        self.files = [Path(path) for path in paths]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["frog/__init__.py", "frog/legs.py", "frog-1.dist-info/METADATA"], ["frog"]),
        (["newt.abi3.so", "newt.pyi"], ["newt"]),
        (["_private.so", "_hidden/__init__.py", "six.py"], ["six"]),
        (["tests/__init__.py", "docs/conf.py", "frog.py"], ["frog"]),
        (["frog-stubs/__init__.pyi", "../../../bin/frog", "frog.pth", "frog/data.txt"], []),
        (["space/pond/a.py", "space/bog/b.py"], ["space"]),
        ([], []),
    ],
)
def test_top_level_modules_are_read_off_the_files(files: list[str], expected: list[str]) -> None:
    assert child.top_level_modules(Installed(*files)) == expected
