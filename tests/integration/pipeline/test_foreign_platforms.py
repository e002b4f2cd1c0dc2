"""Layers that are built as for another machine's platform: nothing of them is started, and their bytes are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.sample_stack import BUILT, Pond, error_of, ran
from venvstacks.api import Project, Request, Selection, run

HOST = "linux_x86_64"


def as_if_foreign(project: Project, **settings: Any) -> Project:
    """The project as if this machine's platform were not this machine's."""
    configuration = project.configuration
    layout = replace(configuration.layout, foreign=HOST)
    return replace(project, configuration=replace(configuration, layout=layout, **settings))


@pytest.fixture(scope="module")
def crossed_pond(locked_pond: Pond, tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """Built and published as for another platform."""
    pond = locked_pond.copy(tmp_path_factory.mktemp("crossed") / "pond")
    ran(run(as_if_foreign(pond.project(tag_outputs=True)), Request(("build", "publish"))))
    return pond


def test_archives_have_the_bytes_of_those_that_are_built_on_their_own_platform(
    crossed_pond: Pond, published_pond: Pond
) -> None:
    for name in BUILT:
        crossed, native = (
            [path.read_bytes() for path in (pond.base / "_artifacts").glob(f"{name}{tag}.tar.zst")]
            for pond, tag in ((crossed_pond, f"-{HOST}-1"), (published_pond, ""))
        )
        assert (name, len(crossed), crossed == native) == (name, 1, True)


def test_environments_of_another_platform_have_a_folder_of_their_own(crossed_pond: Pond) -> None:
    build = crossed_pond.base / "_build"
    assert {path.name for path in (build / HOST).iterdir()} == {*BUILT, ".venvstacks"}
    assert {path.name for path in build.iterdir()} == {HOST, ".venvstacks"}


def test_an_emulator_starts_the_python_of_another_platform(pond: Pond) -> None:
    emulator = pond.base / "tools/emulate"
    emulator.parent.mkdir()
    emulator.write_text('#!/bin/sh\nexport EMULATED=1\nshift\nexec "$@"\n', "utf-8")
    emulator.chmod(0o755)
    test = "import os\nassert os.environ['EMULATED'] == '1'\n"
    (pond.base / "launch/plain.py").write_text(test, "utf-8")
    project = as_if_foreign(pond.project(), emulator=("tools/emulate", "-L"))
    request = Request(("build",), Selection(include=("app-plain",)))
    assert {"check:py", "check:app-plain"} <= ran(run(project, request))
    log = (pond.base / project.configuration.layout.log("check:app-plain")).read_text("utf-8")
    assert f"{emulator} -L {pond.base}/_build/{HOST}/app-plain/bin/python -I -B" in log

    missing = as_if_foreign(pond.project(), emulator=("no-such-emulator",))
    report = run(missing, Request(("build",), Selection(include=("framework-lily",))))
    assert "the emulator 'no-such-emulator' of linux_x86_64 is not" in error_of(report, "check:framework-lily")
