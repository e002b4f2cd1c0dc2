"""Real index servers on loopback that hold the same names with different contents."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.locked_projects import StackOnDisk
from venvstacks.errors import BuildError, LockError
from venvstacks.locking.uv_texts import settings_text
from venvstacks.model.platforms import PLATFORMS
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import InstallRequest, install

RUNTIME = """\
[[runtimes]]
name = "py"
python_implementation = "cpython@3.11.7"
platforms = ["linux_x86_64", "win_amd64"]
requirements = {requirements}
"""
ONLINE = {"local_wheels": (), "use_index": True}
LOGIN = ("reader", "s3cr3t-w0rd")
CREDENTIALS = {"UV_INDEX_PRIVATE_USERNAME": LOGIN[0], "UV_INDEX_PRIVATE_PASSWORD": LOGIN[1]}


@dataclass
class Indexes:
    """`public` (JSON) and `private` (HTML, with a login) both hold frog 1.0, each its own; public needs toad for it."""

    public: Index
    private: Index

    def settings(self, *, private_explicit: bool = False, login: str = "") -> str:
        private = self.private.url.replace("//", f"//{login}@") if login else self.private.url
        return (
            f'[tool.uv]\nindex = [\n  {{ name = "public", url = "{self.public.url}", default = true }},\n'
            f'  {{ name = "private", url = "{private}", explicit = {str(private_explicit).lower()} }},\n]\n'
        )


@pytest.fixture
def indexes(tmp_path: Path) -> Iterator[Indexes]:
    public, private = tmp_path / "public", tmp_path / "private"
    make_wheel(public, "frog", "1.0", requires=["toad"])
    make_wheel(public, "toad", "1.0")
    make_wheel(private, "frog", "1.0", files={"frog.py": b"private = True\n"})
    make_wheel(private, "newt", "1.0", requires=["frog"])
    with ExitStack() as stack:
        yield Indexes(
            stack.enter_context(running(Index(public))),
            stack.enter_context(running(Index(private, LOGIN, html=True))),
        )


def project(tmp_path: Path, text: str, **variables: str) -> StackOnDisk:
    made = StackOnDisk.write(tmp_path / "spec", text)
    return replace(made, variables={**CREDENTIALS, **variables})


def locate(stack: StackOnDisk, env_name: str, package: str) -> set[str]:
    lock = stack.read_lock(env_name)
    return {wheel.location for found in lock.packages if found.name == package for wheel in found.wheels}


def hashes(index: Index, package: str) -> str:
    return hashlib.sha256(next(index.wheels.glob(f"{package}-*.whl")).read_bytes()).hexdigest()


@pytest.mark.parametrize("assigned", ["package_indexes", "sources"])
def test_an_assigned_package_comes_from_its_index_and_nothing_else_does(
    indexes: Indexes, tmp_path: Path, assigned: str
) -> None:
    text = indexes.settings(private_explicit=True)
    text += '[tool.uv.sources]\nfrog = { index = "private" }\n' if assigned == "sources" else ""
    text += RUNTIME.format(requirements='["frog", "toad"]')
    text += 'package_indexes = { frog = "private" }\n' if assigned == "package_indexes" else ""
    stack = project(tmp_path, text)
    stack.run_online()
    assert locate(stack, "py", "frog") == {
        f"{indexes.private.url.removesuffix('/simple')}/files/frog-1.0-py3-none-any.whl"
    }
    assert indexes.private.pages() == {"frog"}
    assert "frog" not in indexes.public.pages()
    assert set(stack.versions("py")) == {"frog", "toad"}


def test_without_an_assignment_the_first_index_that_has_a_package_serves_it(indexes: Indexes, tmp_path: Path) -> None:
    stack = project(tmp_path, indexes.settings() + RUNTIME.format(requirements='["frog"]'))
    stack.run_online()
    # an index that is not the default one is asked before it
    assert stack.read_lock("py").packages[0].wheels[0].hashes == (("sha256", hashes(indexes.private, "frog")),)
    assert set(stack.versions("py")) == {"frog"}


def test_an_explicit_index_serves_a_layer_that_gives_it_priority(indexes: Indexes, tmp_path: Path) -> None:
    settings = indexes.settings(private_explicit=True)
    layers = RUNTIME.format(requirements="[]") + (
        '[[frameworks]]\nname = "a"\nruntime = "py"\nrequirements = ["frog"]\npriority_indexes = ["private"]\n'
        '[[frameworks]]\nname = "b"\nruntime = "py"\nrequirements = ["frog"]\n'
    )
    stack = project(tmp_path, settings + layers)
    stack.run_online()
    assert "files/frog" in "".join(locate(stack, "framework-a", "frog"))
    assert set(stack.versions("framework-a")) == {"frog"}
    assert set(stack.versions("framework-b")) == {"frog", "toad"}


def test_layers_that_disagree_over_an_index_have_to_say_which_one(indexes: Indexes, tmp_path: Path) -> None:
    layers = RUNTIME.format(requirements="[]") + "".join(
        f'[[frameworks]]\nname = "{name}"\nruntime = "py"\nrequirements = []\n'
        f'package_indexes = {{ frog = "{index}" }}\n'
        for name, index in (("a", "public"), ("b", "private"))
    )
    application = (
        '[[applications]]\nname = "app"\nframeworks = ["a", "b"]\nrequirements = ["frog"]\nlaunch_module = "app.py"\n'
        'index_overrides = { public = "private" }\n'
    )
    stack = project(tmp_path, indexes.settings(private_explicit=True) + layers + application)
    stack.run_online()
    assert set(stack.versions("app-app")) == {"frog"}


@pytest.mark.parametrize("way", ["variables", "in the URL"])
def test_credentials_open_an_index_and_are_not_written(indexes: Indexes, tmp_path: Path, way: str) -> None:
    text = indexes.settings(login=":".join(LOGIN) if way == "in the URL" else "")
    stack = project(tmp_path, text + RUNTIME.format(requirements='["newt"]'))
    if way == "in the URL":
        stack = replace(stack, variables={})
    stack.run_online()
    assert set(stack.versions("py")) == {"newt", "frog"}
    written = {path: path.read_bytes() for path in stack.base.rglob("*") if path.is_file() and path != stack.path}
    assert len(written) > 4
    encoded = b"cmVhZGVyOnMzY3IzdC13MHJk"  # the login in base64, as a header has it
    for path, content in written.items():
        assert LOGIN[1].encode() not in content, path
        assert encoded not in content, path


def test_missing_credentials_are_reported(indexes: Indexes, tmp_path: Path) -> None:
    stack = StackOnDisk.write(tmp_path / "spec", indexes.settings() + RUNTIME.format(requirements='["newt"]'))
    with pytest.raises(LockError, match="valid credentials") as caught:
        stack.run_online()
    assert "UV_INDEX_<NAME>_USERNAME" in (caught.value.hint or "")


def test_settings_may_stand_in_a_file_of_their_own(indexes: Indexes, tmp_path: Path) -> None:
    stack = project(tmp_path, RUNTIME.format(requirements='["toad"]'))
    (stack.base / "venvstacks.uv.toml").write_text(indexes.settings().replace("[tool.uv]\n", ""))
    stack.run_online()
    assert indexes.public.pages() >= {"toad"}


def test_without_index_nobody_is_asked(indexes: Indexes, tmp_path: Path) -> None:
    stack = project(tmp_path, indexes.settings() + RUNTIME.format(requirements='["toad"]'))
    stack.wheel("toad")
    stack.lock()
    assert indexes.public.asked == indexes.private.asked == []
    assert locate(stack, "py", "toad") == {"../../wheelhouse/toad-1.0-py3-none-any.whl"}


def test_only_what_was_uploaded_by_then_counts_and_that_is_the_lock_time(tmp_path: Path) -> None:
    old = make_wheel(tmp_path / "served", "frog", "1.0")
    new = make_wheel(tmp_path / "served", "frog", "2.0")

    def date(path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
        if not path.startswith("/simple/"):
            return status, kind, body
        page = json.loads(body)
        for file in page["files"]:
            file["upload-time"] = {old.name: "2023-01-01T00:00:00Z", new.name: "2025-01-01T00:00:00Z"}[file["filename"]]
        return status, kind, json.dumps(page).encode()

    with running(Index(tmp_path / "served", spoil=date)) as index:
        uv = f'[tool.uv]\nexclude-newer = 2024-01-01\nindex = [{{ name = "i", url = "{index.url}", default = true }}]\n'
        stack = project(tmp_path, uv + RUNTIME.format(requirements='["frog"]'))
        stack.run_online()
    assert stack.versions("py") == {"frog": "1.0"}
    metadata = json.loads((stack.base / "requirements/py/pylock.py.meta.json").read_text())
    assert metadata["locked_at"] == "2024-01-02T00:00:00+00:00"


def _install(stack: StackOnDisk, tmp_path: Path) -> None:
    loaded = stack.project(**ONLINE)
    layer = loaded.stack.by_env_name["py"]
    settings = tmp_path / "uv.toml"
    settings.write_text(settings_text(layer, loaded.stack.uv, str(stack.base)))
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", env], check=True)
    lock_file = stack.base / loaded.configuration.layout.lock_file(layer)
    platform = PLATFORMS["linux_x86_64"].uv_platform("2.28")
    install(
        InstallRequest("py", lock_file, env / "bin/python", platform, settings=settings), Processes(), stack.environment
    )


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the locks of these tests are for Python 3.11")
def test_an_install_uses_the_same_credentials_and_checks_every_hash(indexes: Indexes, tmp_path: Path) -> None:
    stack = project(tmp_path, indexes.settings() + RUNTIME.format(requirements='["newt"]'))
    stack.run_online()
    _install(stack, tmp_path)
    assert list((tmp_path / "env").rglob("newt.py"))


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the locks of these tests are for Python 3.11")
def test_a_poisoned_index_is_found_out_when_its_file_is_installed(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "served", "frog", "1.0")
    good = hashlib.sha256(wheel.read_bytes()).hexdigest().encode()

    def poison(_path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
        return status, kind, body.replace(good, b"0" * 64)

    with running(Index(tmp_path / "served", spoil=poison)) as index:
        uv = f'[tool.uv]\nindex = [{{ name = "i", url = "{index.url}", default = true }}]\n'
        stack = project(tmp_path, uv + RUNTIME.format(requirements='["frog"]'))
        stack.run_online()
        with pytest.raises(BuildError) as caught:
            _install(stack, tmp_path)
    assert "hash mismatch" in str(caught.value).lower()
    assert "not the one that was locked" in (caught.value.hint or "")
    assert not list((tmp_path / "env").rglob("frog.py"))
