"""The commands as people type them, from a real build to a running application."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.folder_server import serving_folder
from tests.support.offline_stacks import run
from tests.support.sample_stack import Pond


def venvstacks(*arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
    done = run("venvstacks", *arguments, cwd=cwd)
    return done.returncode, done.stdout, done.stderr


def test_the_commands(old_stack: Path, new_stack: Path, tmp_path: Path) -> None:
    code, out, err = venvstacks("deploy", old_stack, "--to", "d", cwd=tmp_path)
    assert (code, out) == (0, "")
    assert "fetched: py, framework-pond, framework-reeds, app-frog" in err
    assert "generation 1: frog" in err
    code, out, err = venvstacks("deploy", new_stack, "--to", "d", "--json", cwd=tmp_path)
    answer = json.loads(out)
    assert (code, answer["fetched"], answer["generation"]["number"]) == (0, ["framework-pond", "app-frog"], 2)
    assert answer["kept"] == ["py"]
    assert venvstacks("exec", "d", "frog", "--", "--loud", "-x", cwd=tmp_path) == (0, "new 1 2 1 --loud -x\n", "")
    code, out, err = venvstacks("status", "d", "--verify", cwd=tmp_path)
    assert code == 0
    assert "for frog" in out
    assert out.endswith("every file is as it was published\n")
    assert json.loads(venvstacks("status", "d", "--json", cwd=tmp_path)[1])["kept"] == [1, 2]
    assert venvstacks("rollback", "d", cwd=tmp_path) == (0, "", "generation 1: frog\n")
    assert venvstacks("exec", "d", "frog", cwd=tmp_path)[1] == "old 1 1 1\n"
    code, out, err = venvstacks("remove", "d", "--app", "frog", cwd=tmp_path)
    assert (code, err.splitlines()[0]) == (0, "generation 3: no application")
    assert venvstacks("collect", "d", cwd=tmp_path)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["deploy", "missing", "--to", "d"], 2, "error: there is no folder"),
        (["deploy", ".", "--to", "d"], 6, "error: nothing is published for"),
        (["status", "."], 6, "is not a deployment\nhint: name the folder"),
        (["rollback", "missing"], 6, "error: missing is not a deployment"),
        (["exec", ".", "frog"], 6, "is not a deployment"),
        (["deploy", "{old}", "--to", "d", "--app", "toad"], 2, "hint: it offers: frog"),
    ],
)
def test_failures_are_reported_in_two_lines(
    arguments: list[str], code: int, says: str, old_stack: Path, tmp_path: Path
) -> None:
    found = venvstacks(*(one.format(old=old_stack) for one in arguments), cwd=tmp_path)
    assert found[:2] == (code, "")
    assert says in found[2]
    assert "Traceback" not in found[2]


def test_damage_is_an_exit_code(old_stack: Path, tmp_path: Path) -> None:
    venvstacks("deploy", old_stack, "--to", "d", cwd=tmp_path)
    damaged = next(place for place in tmp_path.glob("d/store/*/framework-pond/postinstall.py") if _is_real(place))
    damaged.write_text("")
    code, out, err = venvstacks("status", "d", "--verify", cwd=tmp_path)
    assert code == 6
    assert f"changed  store/{damaged.parent.parent.name}/framework-pond/postinstall.py\n1 difference\n" in out
    assert err == "hint: deploy again with --repair\n"
    assert venvstacks("deploy", old_stack, "--to", "d", "--repair", cwd=tmp_path)[0] == 0
    assert venvstacks("status", "d", "--verify", cwd=tmp_path)[0] == 0


def _is_real(place: Path) -> bool:
    return place.resolve() == place.absolute()


@pytest.mark.parametrize("web", [False, True], ids=["folder", "server"])
def test_from_a_build_to_a_running_application(web: bool, published_pond: Pond, tmp_path: Path) -> None:  # noqa: FBT001
    """Real layers, two of them with packages in C that find each other's shared libraries."""
    artifacts = published_pond.base / "_artifacts"
    with serving_folder(artifacts) as server:
        source = server.url if web else artifacts
        code, _, err = venvstacks("deploy", source, "--to", tmp_path / "d e", "--app", "newt", cwd=tmp_path)
    assert code == 0, err
    assert "py, framework-frog, framework-lily, app-newt" in err
    code, out, err = venvstacks("exec", tmp_path / "d e", "newt", "--", "--high", cwd=Path(os.sep))
    assert (code, err) == (0, "")
    assert json.loads(out) == {"legs": 4, "lily": "1.0", "args": ["--high"], "says": "🐸🦎"}
    code, out, _ = venvstacks("status", tmp_path / "d e", "--verify", cwd=tmp_path)
    assert code == 0, out
