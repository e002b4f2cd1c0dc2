"""Layers that are built as for another machine's platform: nothing of them is started, and their bytes are the same."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.sample_stack import BUILT, Pond, error_of, ran
from venvstacks.actions.building.check_headers import check_headers
from venvstacks.actions.layer_request import LayerRequest
from venvstacks.api import Project, Request, Selection, application_command, application_environment, plan, run
from venvstacks.cli.ci_matrix import JobSource
from venvstacks.errors import ImportCheckError
from venvstacks.model.platforms import PLATFORMS
from venvstacks.planning.cache_key import cache_key

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

    started = application_command(project, "plain")
    assert started[:3] == [str(emulator), "-L", f"{pond.base}/_build/{HOST}/app-plain/bin/python"]
    subprocess.run(started, env=application_environment(project), check=True)

    missing = as_if_foreign(pond.project(), emulator=("no-such-emulator",))
    report = run(missing, Request(("build",), Selection(include=("framework-lily",))))
    assert "the emulator 'no-such-emulator' of linux_x86_64 is not" in error_of(report, "check:framework-lily")


def test_headers_are_checked_in_place_of_imports(crossed_pond: Pond) -> None:
    found = crossed_pond.metadata(f"py-{HOST}")["venvstacks"]["static_check"]
    assert found["compiled_files"] > 10
    assert found["newest_system"].startswith("glibc 2.")
    assert "libc.so.6" in found["system_libraries"]
    frog = crossed_pond.metadata(f"framework-frog-{HOST}")["venvstacks"]["static_check"]
    assert (frog["compiled_files"], frog["missing_libraries"]) == (1, [])


def test_headers_are_checked_next_to_imports_where_that_is_wanted(crossed_pond: Pond, pond: Pond) -> None:
    spec = pond.base / "venvstacks.toml"
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("[tool.venvstacks]\n", "[tool.venvstacks]\ncheck-headers = true\n"), "utf-8")
    layer = "framework-frog"
    selection = Selection(include=(layer,), publish_dependencies=False)
    assert f"check:{layer}" in ran(run(pond.project(), Request(("build", "publish"), selection)))
    records = pond.base / "_build/.venvstacks"
    assert (records / f"check/{layer}.json").exists()
    found = pond.metadata(layer)["venvstacks"]["static_check"]
    assert found == crossed_pond.metadata(f"{layer}-{HOST}")["venvstacks"]["static_check"]


def test_a_layer_with_code_for_another_processor_is_refused(crossed_pond: Pond, tmp_path: Path) -> None:
    base = tmp_path / "pond"  # of its own: what failed loses its record
    shutil.copytree(crossed_pond.base, base, symlinks=True)
    project = as_if_foreign(crossed_pond.project(tag_outputs=True))
    layer, layout = project.stack.by_env_name["app-newt"], project.configuration.layout
    request = LayerRequest(layer, PLATFORMS["linux_aarch64"], layout, base)
    with pytest.raises(ImportCheckError, match=r"cannot run on linux_aarch64\n.*newt\.abi3\.so is not for aarch64"):
        check_headers(request)
    assert not (base / layout.record("headers", layer)).exists()


def test_a_plan_of_jobs_with_the_state_of_the_last_jobs_leaves_out_what_is_current(
    crossed_pond: Pond, published_pond: Pond, tmp_path: Path
) -> None:
    """A fresh checkout gets what `cache-key --paths` names; state of a machine of that platform is of another kind."""

    def jobs(of: Pond, name: str, *, native: bool = False, module: str | None = None) -> list[str]:
        checkout = of.copy(tmp_path / name)
        project = as_if_foreign(checkout.project(tag_outputs=True))
        state = project.configuration.layout.state
        kept = of.project() if native else project
        for path in cache_key(kept).paths:
            if not path.startswith("!"):
                place = path.removesuffix("/*")
                shutil.copytree(of.base / place, checkout.base / (state if native and place != path else place))
        if module is not None:
            (checkout.base / "launch/plain.py").write_text(module, "utf-8")
        plans = {HOST: plan(project, Request(("lock", "build", "publish"), lock_policy="if-needed", locked=True))}
        return list(JobSource(plans, "venvstacks.toml", "_artifacts", "1").busy)

    assert jobs(crossed_pond, "current") == []
    assert jobs(published_pond, "native", native=True) == [HOST]
    assert jobs(crossed_pond, "changed", module="print('changed')\n") == [HOST]
