"""Commands that start the Python of a layer through an emulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.specifications import application, runtime, stack_of
from venvstacks.actions.emulation import find_emulator, started_python
from venvstacks.errors import BuildError
from venvstacks.model.platforms import PLATFORMS

FROG = stack_of(runtime() + application("frog", runtime="py")).by_env_name["app-frog"]
EMULATOR = ("/opt/emulate", "-L", "/sysroot")


@pytest.mark.parametrize(
    ("platform", "config", "command", "variables"),
    [
        ("linux_aarch64", {"python": "bin/python"}, (*EMULATOR, Path("frog/bin/python")), {}),
        (
            "linux_aarch64",
            {"python": "bin/python", "dynlib_path": "share/venv/lib"},  # a wrapper, for which there is a shell here
            (*EMULATOR, Path("frog/libexec/python3.11")),
            dict.fromkeys(("LD_LIBRARY_PATH", "VENVSTACKS_LIBRARY_PATH"), str(Path("frog/share/venv/lib"))),
        ),
        ("win_amd64", {"python": "Scripts/python.exe"}, (*EMULATOR, Path("frog/Scripts/python.exe")), {}),
    ],
)
def test_the_python_is_started_and_not_its_wrapper(
    platform: str, config: dict[str, str], command: tuple[object, ...], variables: dict[str, str]
) -> None:
    started = started_python(FROG, PLATFORMS[platform], Path("frog"), EMULATOR, config)
    assert (started.command, started.variables) == (command, variables)


def test_without_an_emulator_the_wrapper_is_started() -> None:
    config = {"python": "bin/python", "dynlib_path": "share/venv/lib"}
    started = started_python(FROG, PLATFORMS["linux_x86_64"], Path("frog"), (), config)
    assert (started.command, started.variables) == ((Path("frog/bin/python"),), {})


def test_emulators_are_found_on_the_path_or_next_to_the_specification(tmp_path: Path) -> None:
    for name in ("tools/emulate.exe", "bin/emulate.exe"):
        place = tmp_path / name
        place.parent.mkdir()
        place.touch(mode=0o755)
    found = [find_emulator((name, "-L"), PLATFORMS["win_amd64"], tmp_path, str(tmp_path / "bin")) for name in (
        "emulate.exe", "tools/emulate.exe",
    )]  # fmt: skip
    assert found == [(str(tmp_path / "bin/emulate.exe"), "-L"), (str(tmp_path / "tools/emulate.exe"), "-L")]
    assert find_emulator((), PLATFORMS["win_amd64"], tmp_path, None) == ()
    with pytest.raises(BuildError, match="the emulator 'none' of win_amd64 is not on this machine"):
        find_emulator(("none",), PLATFORMS["win_amd64"], tmp_path, str(tmp_path))
