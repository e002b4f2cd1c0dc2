"""Options that make no sense are reported when a project is loaded, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.offline_stacks import write_stack
from venvstacks.errors import UsageError
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project


@pytest.mark.parametrize(
    ("name", "hint"), [("standalon", "did you mean 'standalone'?"), ("xyz", "known are standalone, host, archive")]
)
def test_names_of_no_runtime_provider(name: str, hint: str, tmp_path: Path) -> None:
    spec = write_stack(tmp_path)
    with pytest.raises(UsageError, match=f"'{name}' is no runtime provider") as caught:
        load_project(spec, Options(runtime_providers=("host", name)))
    assert caught.value.hint == hint


def test_providers_in_the_order_given(tmp_path: Path) -> None:
    project = load_project(write_stack(tmp_path), Options(runtime_providers=("archive", "host")))
    assert project.configuration.runtime_providers == ("archive", "host")


def test_folders_that_are_one(tmp_path: Path) -> None:
    spec = write_stack(tmp_path)
    for options in (Options(build_dir="x", export_dir="y/../x"), Options(output_dir="x", export_dir="x/")):
        with pytest.raises(UsageError, match="exports need a folder of their own"):
            load_project(spec, options)
    assert load_project(spec, Options(build_dir="x", output_dir="y/../x")).configuration.layout.artifacts == "x"


def test_the_cache_of_the_machine_goes_before_that_of_the_project(tmp_path: Path) -> None:
    """`verify` gives its second build a cache of its own in this way."""
    spec = write_stack(tmp_path)
    spec.write_text(spec.read_text("utf-8").replace("[tool.venvstacks]", '[tool.venvstacks]\ncache = "of-the-project"'))
    environment = {"VENVSTACKS_CACHE": str(tmp_path / "of-the-machine")}
    assert load_project(spec, environment=environment).cache == tmp_path / "of-the-machine"
    assert load_project(spec, environment={}).cache == tmp_path / "of-the-project"
    asked = load_project(spec, Options(cache="asked"), environment)
    assert asked.cache == tmp_path / "asked"


def test_an_emulator_of_an_option_wins_over_that_of_the_specification(tmp_path: Path) -> None:
    spec = write_stack(tmp_path)
    settings = '[tool.venvstacks]\nemulators = { win_amd64 = ["wine"], linux_aarch64 = ["qemu"] }'
    spec.write_text(spec.read_text("utf-8").replace("[tool.venvstacks]", settings))
    options = Options(emulators=("win_amd64=tools/emulate 'a b' -L=x",))
    project = load_project(spec, options)
    found = {name: project.on(name).configuration.emulator for name in ("win_amd64", "linux_aarch64", "win_arm64")}
    assert found == {"win_amd64": ("tools/emulate", "a b", "-L=x"), "linux_aarch64": ("qemu",), "win_arm64": ()}
    assert project.configuration.emulator == ()


@pytest.mark.parametrize(
    ("emulator", "said"),
    [
        ("win_amd46=wine", "'win_amd46' is not a target platform"),
        ("win_amd64", "the emulator 'win_amd64' is not a platform and a command"),
        ("win_amd64='wine", "the emulator 'win_amd64='wine' is not a platform and a command"),
    ],
)
def test_emulators_that_are_none(emulator: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        load_project(write_stack(tmp_path), Options(emulators=(emulator,)))
