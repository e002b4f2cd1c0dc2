"""Specifications as users of the original have them, reduced: `show` and `lock` work, or fail with what helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.offline_stacks import has_python
from tests.support.own_projects import commit, write_project
from venvstacks.cli.error_boundary import run_command_line
from venvstacks.locking.pylock import parse_lock
from venvstacks.model.platforms import PythonImplementation

RUNTIME = 'name = "cpython-3.11"\npython_implementation = "cpython@3.11.7"\nrequirements = []\n'
MAC = 'platforms = [\n    "macosx_arm64",\n]\n'
SETTINGS = """
[tool.uv]
exclude-newer = "2026-04-23T00:00:00Z"
environments = [
    "sys_platform == '{system}'",
]
index = [{{ name = "served", url = "{index}", default = true }}]
"""

Command = Callable[..., tuple[int, str]]


def layer(array: str, name: str, *requirements: str, below: str = 'runtime = "cpython-3.11"', more: str = MAC) -> str:
    return f'\n[[{array}]]\nname = "{name}"\n{below}\nrequirements = {list(requirements)}\n{more}'


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Index]:
    """An index, of which one file is newer than the settings allow."""

    def newer(path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
        return status, kind, body.replace(b"2024-01-01", b"2026-05-01") if "tadpole" in path else body

    wheels = tmp_path / "served"
    make_wheel(wheels, "frog", "1.0", requires=["newt; sys_platform == 'darwin'", "toad; sys_platform == 'win32'"])
    for name in ("newt", "toad", "egg"):
        make_wheel(wheels, name, "1.0")
    make_wheel(wheels, "mlx", "0.31.1", tag="cp311-cp311-macosx_14_0_arm64")
    make_wheel(wheels, "objc-core", "12.1", tag="cp311-cp311-macosx_10_9_universal2")
    make_wheel(wheels, "tadpole", "1.0")
    with running(Index(wheels, spoil=newer)) as index:
        yield index


@pytest.fixture
def command(
    tmp_path: Path, served: Index, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """A function that writes a specification's layers, runs a command on it, and gives status and all output."""
    spec = tmp_path / "project/stack/venvstacks.toml"
    spec.parent.mkdir(parents=True)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("VENVSTACKS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(name: str, layers: str, *options: str) -> tuple[int, str]:
        system = "linux" if "linux_x86_64" in layers else "darwin"
        spec.write_text(layers + SETTINGS.format(index=served.url, system=system), "utf-8")
        status = run_command_line([name, str(spec), *options])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def locked(tmp_path: Path, env_name: str) -> dict[str, str]:
    place = tmp_path / f"project/stack/requirements/{env_name}/pylock.{env_name}.toml"
    lock = parse_lock(place.read_text("utf-8"), PythonImplementation.parse("cpython@3.11.7"))
    return {package.name: package.version for package in lock.installed(lock.targets[0])}


def test_layers_of_one_mac_without_packages(command: Command, tmp_path: Path) -> None:
    """The layers declare what to leave out of packages that a script writes into the requirements later."""
    excluded = 'dynlib_exclude = [\n    "cv2/.dylibs/libavif*",\n    "**/*.dSYM/**",\n]\n'
    text = f"[[runtimes]]\n{RUNTIME}{MAC}"
    for name, more in {"framework-control": MAC, "mlx-base": MAC + excluded}.items():
        text += layer("frameworks", name, more=more)
    status, output = command("show", text)
    assert status == 0
    assert "framework-framework-control" in output
    assert command("lock", text)[0] == 0
    assert locked(tmp_path, "framework-mlx-base") == {}
    assert "*" not in command("show", text)[1]


def test_an_application_of_one_mac(command: Command, tmp_path: Path) -> None:
    (tmp_path / "project/stack/canopy_app").mkdir()
    (tmp_path / "project/stack/canopy_app/__main__.py").touch()
    text = f"[[runtimes]]\n{RUNTIME}{MAC}" + layer("frameworks", "canopy", "frog>=1.0", "egg", "egg")
    application = 'frameworks = [\n    "canopy",\n]\nlaunch_module = "canopy_app"'
    text += layer("applications", "canopy-app", "objc-core>=10.0", below=application)
    assert command("show", text)[0] == 0
    assert command("lock", text)[0] == 0
    assert locked(tmp_path, "framework-canopy") == {"egg": "1.0", "frog": "1.0", "newt": "1.0"}
    assert locked(tmp_path, "app-canopy-app") == {"objc-core": "12.1"}
    status, output = command("lock", text.replace("frog>=1.0", "tadpole"))
    assert status == 4
    assert "2026-04-23" in output


def test_modules_above_the_specification_and_several_applications_on_one_framework(
    command: Command, tmp_path: Path
) -> None:
    linux = 'platforms = ["linux_x86_64"]\n'
    (tmp_path / "main.py").touch()
    text = f"[[runtimes]]\n{RUNTIME}{linux}"
    text += layer("frameworks", "ml", "frog", more=linux + 'dynlib_exclude = ["triton/**", "lib/libllama.so"]\n')
    for name in ("dev", "gateway"):
        below = 'frameworks = ["ml"]\nlaunch_module = "../../main.py"'
        text += layer("applications", name, "egg==1.0", below=below, more=linux)
    assert command("show", text)[0] == 0
    assert command("lock", text)[0] == 0
    assert locked(tmp_path, "app-dev") == locked(tmp_path, "app-gateway") == {"egg": "1.0"}
    assert locked(tmp_path, "framework-ml") == {"frog": "1.0"}


@pytest.mark.parametrize("declared", ["", 'macosx_target = "13"\n'])
def test_packages_for_a_newer_mac_than_the_layer_names(command: Command, tmp_path: Path, declared: str) -> None:
    text = f"[[runtimes]]\n{RUNTIME}{declared}{MAC}" + layer("frameworks", "mlx", "mlx==0.31.1", more=declared)
    assert command("show", text)[0] == 0
    status, output = command("lock", text)
    assert status == 4
    assert 'write macosx_target = "14.0"' in output
    raised = text.replace('macosx_target = "13"\n', "")
    raised = raised.replace("requirements = [", 'macosx_target = "14"\nrequirements = [')
    assert command("lock", raised)[0] == 0
    assert locked(tmp_path, "framework-mlx") == {"mlx": "0.31.1"}
    (tmp_path / "main.py").touch()
    above = layer("applications", "server", "mlx", below='frameworks = ["mlx"]\nlaunch_module = "../../main.py"')
    assert command("lock", raised + above)[0] == 0  # without a target of its own


@pytest.mark.skipif(not has_python(), reason="needs the CPython that builds the packages")
def test_a_short_commit_of_a_repository(command: Command, tmp_path: Path) -> None:
    found = commit(write_project(tmp_path / "mlx-lm", "mlx-lm", requires=["frog"]))
    address = f"mlx-lm @ git+{tmp_path.as_uri()}/mlx-lm@{found[:7]}"
    text = f"[[runtimes]]\n{RUNTIME}{MAC}" + layer("frameworks", "mlx", address, "egg", "frog")
    assert command("show", text)[0] == 0
    status, output = command("lock", text, "--runtime-provider", "host")
    assert status == 0, output
    assert locked(tmp_path, "framework-mlx") == {"mlx-lm": "1.0", "frog": "1.0", "newt": "1.0", "egg": "1.0"}


@pytest.mark.parametrize(
    ("requirement", "message"),
    [
        ("file:///srv/wheels/frog-1.0-py3-none-any.whl", "'frog @ file:///srv/wheels/frog-1.0-py3-none-any.whl'"),
        ("frog[serve] @ @FROG_WHEEL@", "'@FROG_WHEEL@' is not an https or http URL"),
    ],
)
def test_what_is_refused(command: Command, tmp_path: Path, requirement: str, message: str) -> None:
    text = f"runtimes = [\n    {{ {RUNTIME.strip().replace(chr(10), ', ')} }},\n]\n"
    text += layer("frameworks", "framework-kimi", requirement, more="")
    for name in ("show", "lock"):
        status, output = command(name, text)
        assert status == 3
        assert message in output
    assert not (tmp_path / "project/stack/requirements").exists()
