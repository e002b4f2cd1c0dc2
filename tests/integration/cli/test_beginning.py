"""`init` and `schema`: the first commands of a new user."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.offline_stacks import has_python, run
from tests.support.own_projects import BACKEND
from venvstacks import load_project

RICH = {
    "rich/__init__.py": b"",
    "rich/console.py": b"class Console:\n    def print(self, text):\n        print(text)\n",
}


def test_a_first_stack_is_right_and_nothing_is_overwritten(tmp_path: Path) -> None:
    done = run("venvstacks", "init", "a 🐸/new", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "next: venvstacks build " in done.stderr
    stack = load_project(tmp_path / "a 🐸/new/venvstacks.toml").stack
    assert [layer.kind for layer in stack.layers] == ["runtime", "framework", "application"]
    assert stack.warnings == ()

    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = run("venvstacks", "init", "a 🐸/new", cwd=tmp_path)
    assert again.returncode == 2
    assert "would be overwritten" in again.stderr
    assert "hint: " in again.stderr
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_git_ignores_already_stays(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    assert run("venvstacks", "-q", "init", cwd=tmp_path).stderr == ""
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert (tmp_path / "venvstacks.toml").exists()


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("venvstacks", "init", "file", cwd=tmp_path)
    assert done.returncode == 2
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not has_python(), reason="no CPython 3.11.7 to make a runtime of")
def test_a_first_stack_works(tmp_path: Path) -> None:
    run("venvstacks", "init", cwd=tmp_path)
    spec = tmp_path / "venvstacks.toml"
    lines = spec.read_text("utf-8").splitlines()
    python = next(line for line in lines if line.startswith("python_implementation"))
    text = spec.read_text("utf-8").replace(python, 'python_implementation = "cpython@3.11.7"')
    spec.write_text(text.replace('["standalone", "host"]', '["host"]'), "utf-8")
    make_wheel(tmp_path / "wheels", "rich", "1.0", files=RICH)
    built = run("venvstacks", "build", spec, "--no-index", "--local-wheels", "wheels", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    said = run("venvstacks", "run", spec, "hello", cwd=tmp_path)
    assert said.stdout == "Hello from Python [bold]3.11.7[/bold]\n", said.stderr


@pytest.mark.parametrize(
    ("what", "committed"),
    [("", "venvstacks"), ("plan", "plan"), ("manifest", "manifest"), ("file-manifest",) * 2, ("package-list",) * 2]
    + [(name, name) for name in ("tree", "diff", "report", "licenses", "audit")],
)
def test_schemas_are_the_committed_ones(what: str, committed: str, tmp_path: Path) -> None:
    done = run("venvstacks", "schema", *([what] if what else []), cwd=tmp_path)
    schema = Path(__file__).parents[3] / f"docs/schema/{committed}.schema.json"
    assert json.loads(done.stdout) == json.loads(schema.read_text("utf-8"))


def test_an_unknown_schema(tmp_path: Path) -> None:
    done = run("venvstacks", "schema", "plans", cwd=tmp_path)
    assert done.returncode == 2
    assert "file-manifest" in done.stderr


def test_two_applications_that_share_a_framework(tmp_path: Path) -> None:
    done = run("venvstacks", "init", "--template", "shared", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stack = load_project(tmp_path / "venvstacks.toml").stack
    assert [layer.env_name for layer in stack.layers][1:] == ["framework-text", "app-hello", "app-layers"]


def project(folder: Path, *requirements: str) -> Path:
    """A project with a main module, which takes its packages from a folder of wheels."""
    folder.mkdir()
    (folder / "main.py").touch()
    text = f"[project]\nname = {json.dumps(folder.name)}\ndependencies = {json.dumps(requirements)}\n"
    place = folder / "pyproject.toml"
    place.write_text(f'{text}[tool.uv]\nno-index = true\nfind-links = ["../wheels"]\n', "utf-8")
    return place


def test_layers_for_projects_are_proposed_by_what_they_save(tmp_path: Path) -> None:
    padding = random.Random(0).randbytes(1_500_000)
    make_wheel(tmp_path / "wheels", "big", "1.0", files={"big/data.bin": padding}, requires=["small"])
    make_wheel(tmp_path / "wheels", "small", "1.0")
    project(tmp_path / "desk", "big>=1", "small")
    project(tmp_path / "shop", "big<2")
    done = run("venvstacks", "init", "--from", "desk", "--from", "shop/pyproject.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[2:]]
    assert lines == [
        ["big", "framework", "2", "1.5", "MB", "1.5", "MB"],
        ["small", "application", "0", "0", "bytes"],
    ]
    assert "written: venvstacks.toml, .gitignore" in done.stderr
    stack = load_project(tmp_path / "venvstacks.toml").stack
    assert {layer.env_name: layer.requirements for layer in stack.layers} == {
        "python": (),
        "framework-libraries": ("big>=1", "big<2"),
        "app-desk": ("big>=1", "small"),
        "app-shop": ("big<2",),
    }
    locked = run("venvstacks", "lock", cwd=tmp_path)
    assert locked.returncode == 0, locked.stderr


def test_projects_whose_requirements_cannot_be_resolved_get_no_framework(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    project(tmp_path / "desk", "gone")
    done = run("venvstacks", "init", "--from", "desk", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert "warning: the requirements cannot be resolved: Because gone was not found " in done.stderr
    assert "venvstacks-proposal" not in done.stderr
    assert "frameworks" not in (tmp_path / "venvstacks.toml").read_text("utf-8")


def listed(folder: Path, requirements: str) -> Path:
    """A folder of modules with a requirements file."""
    folder.mkdir()
    (folder / "requirements.txt").write_text(requirements)
    for name in ("app.py", "routes.py"):
        (folder / name).touch()
    return folder


def test_a_folder_with_a_requirements_file_is_an_application(tmp_path: Path) -> None:
    listed(tmp_path / "shop", f"-r more.txt\nsmall>=1 --hash=sha256:{'0' * 64}\n")
    (tmp_path / "shop/more.txt").write_text("other ; sys_platform == 'win32'\n")
    done = run("venvstacks", "init", "--from", "shop", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    layer = load_project(tmp_path / "venvstacks.toml").stack.layers[-1]
    assert (layer.env_name, layer.requirements) == ("app-shop", ("other ; sys_platform == 'win32'", "small>=1"))
    assert 'support_modules = ["shop/routes.py"]' in (tmp_path / "venvstacks.toml").read_text("utf-8")


def test_what_only_a_build_knows_is_read_from_its_wheel(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "small", "1.0")
    folder = tmp_path / "desk"
    (folder / "src/desk").mkdir(parents=True)
    (folder / "src/desk/__init__.py").touch()
    (folder / "backend.py").write_text(BACKEND.replace('["project"]', '["tool"]["pond"]'))
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[tool.pond]\nname = "Desk"\nversion = "1"\ndependencies = ["small", "gone; extra == \'x\'"]\n'
        'scripts = { deskd = "desk:serve", desk = "desk:main" }\n'
        '[tool.uv]\nno-index = true\nfind-links = ["../wheels"]\n'
    )
    before = sorted(folder.rglob("*"))
    done = run("venvstacks", "init", "--from", "desk", cwd=tmp_path)
    assert (done.returncode, "warning" in done.stderr) == (0, False), done.stderr
    assert sorted(folder.rglob("*")) == before
    layer = load_project(tmp_path / "venvstacks.toml").stack.layers[-1]
    assert [(launch.name, launch.target) for launch in layer.launches] == [
        ("desk", "desk:main"),
        ("deskd", "desk:serve"),
    ]
    assert done.stdout.splitlines()[2].split()[0] == "small"


def test_requirements_without_wheels_are_named(tmp_path: Path) -> None:
    make_wheel(tmp_path / "wheels", "foreign", "1.0", tag="cp39-cp39-win32")
    project(tmp_path / "desk", "foreign")
    done = run("venvstacks", "init", "--from", "desk", cwd=tmp_path)
    assert "there is no wheel of foreign for this machine" in done.stderr


def test_what_is_no_project_is_refused(tmp_path: Path) -> None:
    project(tmp_path / "desk", "a b c")
    (tmp_path / "desk/other.toml").write_text("[tool]\n")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/setup.py").touch()
    (tmp_path / "old/pyproject.toml").write_text("[tool.uv]\nno-index = true\n")
    (tmp_path / "piped").mkdir()
    (tmp_path / "piped/Pipfile").write_text("[packages]\n")
    listed(tmp_path / "listed", "-e .\n")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/backend.py").write_text(
        BACKEND.replace("rows = []", "files[f'{name}-{version}.data/scripts/hg'] = b'#!python'; rows = []")
    )
    (tmp_path / "scripts/src").mkdir()
    (tmp_path / "scripts/pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "scripts"\nversion = "1"\ndynamic = ["scripts"]\ndependencies = ["pytz>dev"]\n'
    )
    for arguments, said in (
        (("--from", "scripts"), "scripts starts by hg: programs without an entry point"),
        (("--from", "none"), "none cannot be read: there is no such file"),
        (("--from", "old"), "only a build of old can say what it requires"),
        (("--from", "piped"), "pipenv requirements > requirements.txt"),
        (("--from", "listed"), "requirements.txt:1: '-e .' names a project that does not say"),
        (("--from", "desk"), "'a b c' is not a requirement"),
        (("--from", "desk/other.toml"), "it has no [project] table"),
        (("--from", "desk", "elsewhere"), "is not below elsewhere"),
    ):
        done = run("venvstacks", "init", *arguments, cwd=tmp_path)
        assert (done.returncode, "hint: " in done.stderr) == (2, True), done.stderr
        assert said in done.stderr
    assert not (tmp_path / "venvstacks.toml").exists()
    (tmp_path / "venvstacks.toml").touch()
    assert "would be overwritten" in run("venvstacks", "init", "--from", "old", cwd=tmp_path).stderr  # nothing is built
