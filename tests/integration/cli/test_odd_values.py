"""Odd values for the options and arguments of commands: whatever they are, people get an answer."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.support import offline_stacks
from tests.support.mutated_inputs import fault_in, make_sample, run_here
from venvstacks.cli.app import make_app

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not offline_stacks.has_python(), reason="needs Linux and a CPython for the sample"
)
ODD = (
    "", "\u00b2", "9" * 5000, "-1", "1e999", "nan", "a\nb", "\udc80", "x" * 70_000, "~nobody/x", "hello.py/x", "loop",
    "{}", "%s%n", "http://[::1", "file://", "a=b", "=", "*", "..", "--",
)  # fmt: skip
EACH = 2  # values for each option

OF_STACKS = ("show", "plan", "why", "cache-key", "clean", "tree", "licenses", "sbom", "report")
OF_PUBLICATIONS = ("diff", "join", "sign", "deploy")
OF_DEPLOYMENTS = ("status", "rollback", "activate", "collect", "remove", "exec")
OTHERS = ("init", "cache", "schema", "keys", "deployer")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    for name in ("stack", "publication", "deployment"):
        make_sample(name, folder / name)
    (folder / "stack/loop").symlink_to("loop")
    return folder


def trials(name: str, place: str) -> Iterator[list[str]]:
    """Arguments of a command, of which one is odd."""
    parameters: list[Any] = typer.main.get_command(make_app([name])).commands[name].params  # type: ignore[attr-defined]
    required = [one for one in parameters if one.param_type_name == "argument" and one.required]
    chance = random.Random(name)
    for one in parameters:
        if one.param_type_name == "option" and (one.is_flag or one.name == "help"):
            continue
        for value in chance.sample(ODD, EACH):
            given = [value if other is one else place for other in required]
            optional = [] if one in required else [value] if one.param_type_name == "argument" else [one.opts[0], value]
            yield [name, *given, *optional]


@pytest.mark.parametrize("name", [*OF_STACKS, *OF_PUBLICATIONS, *OF_DEPLOYMENTS, *OTHERS])
def test_people_get_an_answer(name: str, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(samples, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy/stack")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("VENVSTACKS_CACHE", str(tmp_path / "cache"))
    kind = "publication" if name in OF_PUBLICATIONS else "deployment" if name in OF_DEPLOYMENTS else "stack"
    place = "venvstacks.toml" if kind == "stack" else f"../{kind}"
    faults = [
        (ascii(arguments)[:200], fault, ending.output[-500:])
        for arguments in trials(name, place)
        if (fault := fault_in(ending := run_here(arguments)))
    ]
    assert not faults
