"""Own packages, from their source to published layers: what is built, when, and what depends on it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.loopback_server import serving
from tests.support.own_projects import BACKEND, commit, write_project
from tests.support.sample_stack import Pond, error_of, ran
from venvstacks.api import application_command
from venvstacks.deployment import deploy, start_command
from venvstacks.errors import NotLockedError, UsageError
from venvstacks.graph.selection import Operation

SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["host"]

[tool.uv.sources]
shared = { path = "projects/shared" }
desk = { path = "projects/desk" }

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64", "win_amd64"]
requirements = []

[[frameworks]]
name = "base"
runtime = "py"
requirements = ["shared"]

[[applications]]
name = "desk"
frameworks = ["base"]
requirements = ["desk"]
launch = { read = "desk:main", count = "desk.counting" }

[applications.desktop]
name = "Desk"
icon = "desk/data.txt"
categories = ["Office"]
"""
DESK = {
    "desk/__init__.py": """\
import pathlib
from importlib import metadata

import shared


def main():
    text = pathlib.Path(__file__).with_name('data.txt').read_text()
    print(metadata.version('desk'), text, shared.VERSION)
""",
    "desk/counting.py": "import sys\n\nif __name__ == '__main__':\n    print('counts', *sys.argv[1:])\n",
}
WHOLE: tuple[Operation, ...] = ("lock", "build", "publish")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Pond:
    """The stack, published; only to be copied."""
    if sys.platform != "linux":
        pytest.skip("needs Linux")
    folder = tmp_path_factory.mktemp("own")
    pond = Pond(folder / "stack", folder / "cache", folder / "uv")
    write_project(pond.base / "projects/shared", "shared")
    write_project(pond.base / "projects/desk", "desk", requires=["shared>=1"], files={**DESK, "desk/data.txt": "🐸"})
    (pond.base / "wheels").mkdir()
    pond.spec.write_text(SPECIFICATION, "utf-8")
    ran(pond.run(*WHOLE))
    return pond


@pytest.fixture
def stack(published: Pond, tmp_path: Path) -> Pond:
    """The stack with everything that was made of it, for one test."""

    def copy(source: str, target: str) -> None:
        is_built = "_build" in source and ".venvstacks" not in source  # only ever replaced, never changed
        (os.link if is_built else shutil.copy2)(source, target)

    shutil.copytree(published.base, tmp_path / "stack", symlinks=True, copy_function=copy)
    return Pond(tmp_path / "stack", published.cache, published.uv_cache)


def lock_of(stack: Pond, env_name: str) -> str:
    return (stack.base / f"requirements/{env_name}/pylock.{env_name}.toml").read_text("utf-8")


def pin_of(stack: Pond, name: str) -> dict[str, Any]:
    return dict(json.loads((stack.base / f"requirements/wheels/{name}.json").read_text("utf-8")))


def started(stack: Pond, name: str = "desk", *arguments: str) -> str:
    command = application_command(stack.project(), name, arguments)
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.strip()


def test_an_application_with_its_metadata_and_data(stack: Pond) -> None:
    assert started(stack) == "1.0 🐸 1.0"
    assert "archive = { path = " in lock_of(stack, "app-desk")
    assert "/wheels/desk/desk-1.0-py3-none-any.whl" in lock_of(stack, "app-desk")
    assert pin_of(stack, "desk")["reproducible"] is True
    assert set(stack.plan(*WHOLE).values()) == {"up to date"}


def test_several_launch_names(stack: Pond, tmp_path: Path) -> None:
    assert started(stack, "desk:count", "3") == "counts 3"
    with pytest.raises(UsageError, match="application 'desk' has no launch name 'other'") as caught:
        started(stack, "desk:other")
    assert caught.value.hint == "launch names: read, count"
    metadata = stack.metadata("app-desk")
    assert metadata["app_launch_module"] == "_launch_read"
    assert metadata["app_launch_module_hash"].startswith("sha256:")
    assert metadata["venvstacks"]["launch_names"] == {"read": "_launch_read", "count": "desk.counting"}
    deploy(str(stack.base / "_artifacts"), tmp_path / "there", applications=["desk"])
    for name, said in [("desk", "1.0 🐸 1.0"), ("desk:count", "counts 3")]:
        done = subprocess.run(
            start_command(tmp_path / "there", name, ["3"]), text=True, capture_output=True, check=True
        )
        assert done.stdout.strip() == said


def test_how_desktops_show_an_application(stack: Pond, tmp_path: Path) -> None:
    icon = "lib/python3.11/site-packages/desk/data.txt"
    shown = {"name": "Desk", "icon": icon, "categories": ["Office"], "terminal": False}
    assert stack.metadata("app-desk")["venvstacks"]["desktop"] == shown
    deploy(str(stack.base / "_artifacts"), tmp_path / "there", launchers=tmp_path / "bin")
    entry = (tmp_path / "bin/desk.desktop").read_text("utf-8")
    assert f'Name=Desk\nExec="{tmp_path}/bin/desk"\nIcon={tmp_path}/there/current/apps/desk/{icon}\n' in entry
    done = subprocess.run([tmp_path / "bin/desk"], text=True, capture_output=True, check=True)
    assert done.stdout.strip() == "1.0 🐸 1.0"
    stack.edit('icon = "desk/data.txt"', 'icon = "desk/other.svg"')
    assert "there is no icon desk/other.svg among its packages" in error_of(stack.run("build"), "link:app-desk")


@pytest.mark.parametrize(
    ("target", "message"),
    [("desk:nothing", "desk:nothing: AttributeError"), ("desk.nothing", "there is no such module in the layers")],
)
def test_launch_targets_that_are_not_there(stack: Pond, target: str, message: str) -> None:
    stack.edit("desk.counting", target)
    assert message in error_of(stack.run("build"), "check:app-desk")


def test_one_byte_rebuilds_its_layer_alone(stack: Pond) -> None:
    stack.edit("🐸", "🐸🐸", "projects/desk/src/desk/data.txt")
    assert stack.plan(*WHOLE)["wheel:desk"] == "run"
    done = ran(stack.run("build", "publish", lock_policy="require-valid"))
    rest = {f"{kind}:app-desk" for kind in ("lock", "build", "link", "archive")}
    assert done - {"check:app-desk"} == {"wheel:desk", *rest, "manifest:archives"}
    assert started(stack) == "1.0 🐸🐸 1.0"


def test_a_lower_layer_s_package_leaves_those_above_alone(stack: Pond) -> None:
    stack.edit("VERSION", "# more\nVERSION", "projects/shared/src/shared.py")
    done = ran(stack.run("build", "publish"))
    assert {name for name in done if name.endswith("app-desk")} <= {"check:app-desk"}
    assert {"wheel:shared", "lock:framework-base", "archive:framework-base"} <= done


def test_what_no_wheel_holds_changes_nothing(stack: Pond) -> None:
    (stack.base / "projects/desk/README").write_text("more", "utf-8")
    assert ran(stack.run(*WHOLE[1:])) == {"wheel:desk"}


def test_a_clone_needs_no_new_locks(stack: Pond, tmp_path: Path) -> None:
    clone = stack.copy(tmp_path / "clone")
    fresh = Pond(clone.base, tmp_path / "another-cache", clone.uv_cache)
    done = ran(fresh.run("lock", lock_policy="require-valid"))
    assert done == {"wheel:desk", "wheel:shared"}
    assert lock_of(fresh, "app-desk") == lock_of(stack, "app-desk")


def test_locked_means_also_the_wheels(stack: Pond, tmp_path: Path) -> None:
    clone = stack.copy(tmp_path / "clone")
    clone.edit("🐸", "🐸🐸", "projects/desk/src/desk/data.txt")
    with pytest.raises(NotLockedError, match="app-desk: changed input: source of desk"):
        clone.run("build", locked=True)


def test_another_build_folder_has_its_own_wheel(stack: Pond) -> None:
    shutil.rmtree(stack.base / "_build")
    ran(stack.run("build", options={"build_dir": "elsewhere"}))
    assert not (stack.base / "_build").exists()


def test_a_new_requirement_is_resolved_only_where_that_is_asked_for(stack: Pond) -> None:
    make_wheel(stack.base / "wheels", "lamp", "2.0")
    stack.edit("shared>=1'", "shared>=1', 'lamp'", "projects/desk/pyproject.toml")
    report = stack.run("build", lock_policy="require-valid")
    assert "wheel of desk" in error_of(report, "lock:app-desk")
    ran(stack.run("build"))
    assert 'name = "lamp"' in lock_of(stack, "app-desk")


def test_a_wheel_that_does_not_reproduce_is_kept_by_the_cache(stack: Pond, tmp_path: Path) -> None:
    (stack.base / "projects/desk/stamp").touch()
    stack.edit('version = "1.0"', 'version = "2.0"', "projects/desk/pyproject.toml")
    shutil.rmtree(stack.base / "requirements/wheels")
    report = stack.run("lock")
    ran(report)
    warnings = [(outcome.values or {}).get("warnings") for outcome in report.outcomes]
    assert "not built reproducibly" in str(warnings)
    assert pin_of(stack, "desk")["reproducible"] is False
    clone = stack.copy(tmp_path / "clone")
    ran(clone.run("lock", lock_policy="require-valid"))
    assert pin_of(clone, "desk") == pin_of(stack, "desk")


def test_compiled_wheels_are_for_one_platform(stack: Pond) -> None:
    (stack.base / "projects/desk/tag").write_text("py3-none-linux_x86_64", "utf-8")
    said = error_of(stack.run("lock"), "lock:app-desk")
    assert "desk 1.0: built for linux_x86_64, not for win_amd64" in said
    make_wheel(stack.base / "wheels", "desk", "1.0", requires=["shared>=1"], tag="py3-none-win_amd64")
    ran(stack.run("lock"))
    assert "wheels/desk-1.0-py3-none-win_amd64.whl" in lock_of(stack, "app-desk")


def test_a_source_is_never_replaced_by_an_index(stack: Pond) -> None:
    make_wheel(stack.base / "wheels", "lamp", "2.0")
    make_wheel(stack.base / "wheels", "torch", "1.0", requires=["lamp"])
    write_project(stack.base / "projects/lamp", "lamp")
    stack.edit("[tool.uv.sources]", '[tool.uv.sources]\nlamp = { path = "projects/lamp" }')
    stack.edit('requirements = ["desk"]', 'requirements = ["desk", "torch"]')
    said = error_of(stack.run("lock"), "lock:app-desk")
    assert "lamp: the specification declares path projects/lamp, but only other packages require it" in said
    stack.edit('"desk", "torch"', '"desk", "torch", "lamp"')
    ran(stack.run("lock"))
    assert "/wheels/lamp/lamp-1.0" in lock_of(stack, "app-desk")


def test_what_a_project_takes_from_an_index_of_its_own(stack: Pond) -> None:
    make_wheel(stack.base / "wheels", "lamp", "2.0")
    table = '[tool.uv.sources]\nlamp = { index = "house" }\n'
    write_project(stack.base / "projects/desk", "desk", requires=["lamp"], files=DESK, tables=table)
    said = error_of(stack.run("lock"), "lock:app-desk")
    assert "lamp: desk takes it from index house" in said


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "desk"', 'name = "chair"', "path projects/desk is the source of 'chair', not of 'desk'"),
        ('backend-path = ["backend"]', 'backend-path = ["nowhere"]', "the wheel of own package 'desk' cannot be built"),
        ("requires = []", 'requires = ["hatchling"]', "hatchling"),
    ],
)
def test_projects_that_build_no_such_wheel(stack: Pond, old: str, new: str, message: str) -> None:
    stack.edit(old, new, "projects/desk/pyproject.toml")
    before = lock_of(stack, "app-desk"), pin_of(stack, "desk")
    assert message in error_of(stack.run("lock"), "wheel:desk")
    assert (lock_of(stack, "app-desk"), pin_of(stack, "desk")) == before


def test_the_files_that_a_build_needs_are_pinned(stack: Pond, tmp_path: Path) -> None:
    def pack(text: str) -> dict[str, list[str]]:
        wheel = make_wheel(stack.base / "wheels", "packer", "1.0", files={"packer.py": (BACKEND + text).encode()})
        return {"packer==1.0": ["sha256:" + hashlib.sha256(wheel.read_bytes()).hexdigest()]}

    first = pack("")
    old = 'requires = []\nbuild-backend = "backend"\nbackend-path = ["backend"]'
    stack.edit(old, 'requires = ["packer"]\nbuild-backend = "packer"', "projects/desk/pyproject.toml")
    ran(stack.run("lock"))
    assert pin_of(stack, "desk")["build_hashes"] == first
    second = pack("# other bytes")
    (stack.base / "projects/desk/src/desk/data.txt").write_text("🦎", "utf-8")
    machine = Pond(stack.base, stack.cache, tmp_path / "uv")  # uv's cache here has the first file
    said = error_of(machine.run("lock"), "wheel:desk")
    assert "Hash mismatch" in said
    assert "venvstacks lock --upgrade-package desk" in said
    ran(machine.run("lock", upgrade_packages=("desk",)))
    assert pin_of(stack, "desk")["build_hashes"] == second


def test_archives_of_source(stack: Pond) -> None:
    shutil.make_archive(str(stack.base / "desk-1.0"), "gztar", stack.base / "projects", "desk")
    stack.edit("projects/desk", "desk-1.0.tar.gz")
    shutil.rmtree(stack.base / "projects/desk")
    done = ran(stack.run("build"))
    assert {"wheel:desk", "lock:app-desk"} <= done
    assert started(stack) == "1.0 🐸 1.0"


def test_work_on_a_project_needs_no_build(stack: Pond) -> None:
    stack.edit("metadata.version", "'edited', metadata.version", "projects/desk/src/desk/__init__.py")
    done = stack.command("run", "venvstacks.toml", "--editable", "desk")
    assert (done.stdout.strip(), done.returncode) == ("edited 1.0 🐸 1.0", 0), done.stderr
    assert stack.plan("build")["wheel:desk"] == "run"
    assert "edited" not in started(stack)


def test_a_branch_moves_only_when_it_is_asked_to(stack: Pond, tmp_path: Path) -> None:
    upstream = tmp_path / "upstream"
    write_project(upstream / "python", "desk", requires=["shared>=1"], files={**DESK, "desk/data.txt": "🐸"})
    first = commit(upstream)
    source = f'desk = {{ git = "{upstream.as_uri()}", branch = "main", subdirectory = "python" }}'
    stack.edit('desk = { path = "projects/desk" }', source)
    ran(stack.run("lock"))
    assert pin_of(stack, "desk")["commit"] == first
    (upstream / "python/src/desk/data.txt").write_text("🦎", "utf-8")
    second, before = commit(upstream), lock_of(stack, "app-desk")
    assert not {"wheel:desk"} & ran(stack.run("lock"))
    assert "wheel:desk" in ran(stack.run("lock", upgrade_packages=("desk",)))
    assert pin_of(stack, "desk")["commit"] == second
    assert lock_of(stack, "app-desk") != before


def test_wheels_are_sources_too(stack: Pond) -> None:
    make_wheel(stack.base / "dist", "desk", "3.0", requires=["shared>=1"])
    stack.edit('path = "projects/desk"', 'path = "dist/desk-3.0-py3-none-any.whl"')
    assert "wheel:desk" not in ran(stack.run("lock"))
    assert 'path = "../../dist/desk-3.0-py3-none-any.whl"' in lock_of(stack, "app-desk")


def test_an_archive_on_a_server(stack: Pond) -> None:
    packed = Path(shutil.make_archive(str(stack.base / "desk-1.0"), "gztar", stack.base / "projects", "desk"))
    content = packed.read_bytes()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    with serving(answer) as url:
        stack.edit('path = "projects/desk"', f'url = "{url}/desk-1.0.tar.gz"')
        ran(stack.run("lock"))
    assert pin_of(stack, "desk")["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    shutil.rmtree(stack.base / "_build/.venvstacks/wheels")
    assert ran(stack.run("lock", lock_policy="require-valid")) == {"wheel:desk", "wheel:shared"}  # from the cache
