"""Requirements that name the address of a wheel: locked as PEP 751 archives, shared, installed."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.pylock import Pylock

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.locked_projects import StackOnDisk
from venvstacks.api import Request, plan
from venvstacks.errors import BuildError, LockError

SPECIFICATION = """\
[tool.venvstacks]
runtime-providers = ["host"]

[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64", "win_amd64"]
requirements = ["{address}"]

[[frameworks]]
name = "upper"
runtime = "py"
requirements = ["newt"]
"""
FROG, NEWT = "frog-1.0-py3-none-any.whl", "newt-1.0-py3-none-any.whl"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Index]:
    """A server with frog 1.0, which is no index of the project's."""
    make_wheel(tmp_path / "served", "frog", "1.0")
    with running(Index(tmp_path / "served")) as index:
        index.url = index.url.removesuffix("/simple")
        yield index


def project(tmp_path: Path, address: str) -> StackOnDisk:
    stack = StackOnDisk.write(tmp_path / "spec", SPECIFICATION.format(address=address))
    stack.wheel("newt", requires=["frog>=1"])
    return stack


def lock_text(stack: StackOnDisk, env_name: str) -> str:
    return (stack.base / f"requirements/{env_name}/pylock.{env_name}.toml").read_text(encoding="utf-8")


def digest(wheel: Path) -> str:
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.mark.parametrize("with_hash", [True, False])
def test_a_wheel_by_url_is_locked_as_an_archive_and_shared_with_the_layers_above(
    tmp_path: Path, elsewhere: Index, *, with_hash: bool
) -> None:
    sha256 = digest(elsewhere.wheels / FROG)
    fragment = f"#sha256={sha256}" if with_hash else ""
    stack = project(tmp_path, f"frog @ {elsewhere.url}/files/{FROG}{fragment}")
    stack.lock(renew_locks=True)
    entry = tomllib.loads(lock_text(stack, "py"))["packages"][0]
    assert entry == {
        "name": "frog",
        "version": "1.0",
        "archive": {"url": f"{elsewhere.url}/files/{FROG}", "hashes": {"sha256": sha256}},
    }
    assert stack.versions("framework-upper") == {"newt": "1.0"}
    assert stack.versions("framework-upper", shared=True) == {"frog": "1.0"}
    for name in ("py", "framework-upper"):
        Pylock.from_dict(tomllib.loads(lock_text(stack, name)))
    before = stack.files()
    stack.lock(renew_locks=True)
    assert stack.files() == before
    assert {task.status for task in plan(stack.project(), Request(("lock",)))} == {"up to date"}


@pytest.mark.parametrize("form", ["file://{folder}/my%20wheels/", "file:my%20wheels/", "file:./my%20wheels/"])
def test_a_wheel_by_file_address_is_locked_by_relative_path(tmp_path: Path, form: str) -> None:
    stack = project(tmp_path, "")
    make_wheel(stack.base / "my wheels", "frog", "1.0")
    folder = stack.base.as_posix()
    stack.change('requirements = [""]', f'requirements = ["frog @ {form.format(folder=folder)}{FROG}"]')
    stack.lock(renew_locks=True)
    (wheel,) = stack.read_lock("py").packages[0].wheels
    assert (wheel.location, wheel.is_path, wheel.is_archive) == (f"../../my wheels/{FROG}", True, True)
    assert stack.versions("framework-upper", shared=True) == {"frog": "1.0"}
    make_wheel(stack.base / "my wheels", "frog", "1.0", files={"frog.py": b"rebuilt\n"})
    assert {task.status for task in plan(stack.project(), Request(("lock",)))} != {"up to date"}


def test_it_is_installed_and_its_hash_is_checked(tmp_path: Path, elsewhere: Index) -> None:
    stack = project(tmp_path, f"frog @ {elsewhere.url}/files/{FROG}#sha256={digest(elsewhere.wheels / FROG)}")
    stack.lock(renew_locks=True)
    stack.run(Request(("build",)), use_index=True)
    installed = stack.base / "_build/py/lib/python3.11/site-packages"
    assert sorted(path.name for path in installed.glob("frog*")) == ["frog-1.0.dist-info", "frog.py"]
    assert not list(installed.rglob("direct_url.json"))
    make_wheel(elsewhere.wheels, "frog", "1.0", files={"frog.py": b"evil\n"})
    shutil.rmtree(stack.base / "_build")
    caches = {"UV_CACHE_DIR": str(tmp_path / "another-cache"), "VENVSTACKS_CACHE": str(tmp_path / "another-store")}
    fresh = StackOnDisk(stack.path, caches)
    with pytest.raises(BuildError) as caught:
        fresh.run(Request(("build",)), use_index=True)
    assert "not the one that was locked" in (caught.value.hint or "")


def test_a_password_in_the_address_is_not_written(tmp_path: Path, elsewhere: Index) -> None:
    address = f"{elsewhere.url}/files/{FROG}".replace("http://", "http://me:s3cr3t@")
    stack = project(tmp_path, f"frog @ {address}")
    stack.lock(renew_locks=True)
    written = {path: path.read_bytes() for path in stack.base.rglob("*") if path.is_file() and path != stack.path}
    assert len(written) > 4
    assert [path for path, content in written.items() if b"s3cr3t" in content] == []


def test_one_address_per_platform_gives_one_entry_each(tmp_path: Path) -> None:
    stack = project(tmp_path, "")
    for target in ("linux_x86_64", "win_amd64"):
        make_wheel(stack.base / "wheels", "frog", "1.0", tag=f"cp311-cp311-{target}")
    address = "frog @ file:wheels/frog-1.0-cp311-cp311-"
    requirements = f"[\"{address}linux_x86_64.whl ; os_name == 'posix'\", \"{address}win_amd64.whl ; os_name == 'nt'\"]"
    stack.change('[""]', requirements)
    stack.lock(renew_locks=True)
    found = {package.targets: package.wheels[0].location for package in stack.read_lock("py").packages}
    assert found == {
        ("linux_x86_64",): "../../wheels/frog-1.0-cp311-cp311-linux_x86_64.whl",
        ("win_amd64",): "../../wheels/frog-1.0-cp311-cp311-win_amd64.whl",
    }


def test_a_wheel_that_does_not_fit_a_platform_is_an_error(tmp_path: Path) -> None:
    stack = project(tmp_path, "frog @ file:wheels/frog-1.0-cp311-cp311-linux_x86_64.whl")
    make_wheel(stack.base / "wheels", "frog", "1.0", tag="cp311-cp311-linux_x86_64")
    with pytest.raises(LockError, match="do not fit its platforms") as caught:
        stack.lock(renew_locks=True)
    assert caught.value.details == ("frog-1.0-cp311-cp311-linux_x86_64.whl does not fit win_amd64",)


def test_an_address_where_nothing_is_found_is_an_error(tmp_path: Path, elsewhere: Index) -> None:
    stack = project(tmp_path, f"toad @ {elsewhere.url}/files/toad-1.0-py3-none-any.whl")
    with pytest.raises(LockError) as caught:
        stack.lock(renew_locks=True)
    assert caught.value.hint
