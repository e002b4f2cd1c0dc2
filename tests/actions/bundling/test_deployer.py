"""The deployer and the command line change one deployment, each going on where the other has stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.installed_applications import assert_clean, printed
from tests.support.other_pythons import other_python
from tests.support.published_layers import PLATFORM, application, framework, publish, runtime
from tests.support.signed_publications import make_publisher, now, sign
from venvstacks.api import deployments as deployment
from venvstacks.bundling.deployer_file import deployer_content, write_deployer
from venvstacks.bundling.older_packages import older_packages
from venvstacks.bundling.verifying_packages import VerifyingPackages, installed_packages
from venvstacks.errors import PublishError
from venvstacks.tools.process import Processes
from venvstacks.trust.root_rotation import NewKeys, make_keys

OLDEST = 9


@pytest.fixture(autouse=True)
def _on_a_platform() -> None:
    if PLATFORM is None or PLATFORM.is_windows:
        pytest.skip("the handmade layers hold shell scripts")


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_deployer(tmp_path_factory.mktemp("made") / "my deployer.pyz", "1.2.3").path


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases in formats that every Python reads."""
    base = tmp_path_factory.mktemp("published")
    for text, packing in (("old", "tar.gz"), ("new", "tar.xz")):
        layers = [runtime(), framework("pond"), application("frog", uses=("pond",), text=text), application("newt")]
        publish(base / text, layers, packing=packing, release="1.0" if text == "old" else "1.1")
    return base / "old", base / "new"


@pytest.fixture(scope="module")
def signed(published: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second release, signed."""
    pytest.importorskip("tuf")
    base = tmp_path_factory.mktemp("signed")
    make_keys(base / "keys", NewKeys("Pond Ltd"), now())
    folder = shutil.copytree(published[1], base / "new")
    sign(folder, base / "keys")
    return folder


def run(python: str | Path, deployer: Path, *arguments: str | Path, code: int = 0) -> str:
    command = [python, "-I", "-S", deployer, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_it_has_the_same_bytes_every_time(deployer: Path) -> None:
    assert deployer.read_bytes() == deployer_content("1.2.3", [installed_packages()])
    assert deployer.stat().st_mode & 0o777 == 0o755
    names = zipfile.ZipFile(deployer).namelist()
    assert names == sorted(names)
    assert not [name for name in names if name.endswith((".so", ".pyd", ".pyc"))]


def test_each_goes_on_where_the_other_has_stopped(deployer: Path, published: tuple[Path, Path], tmp_path: Path) -> None:
    python = other_python(OLDEST) or Path(sys.executable)
    old, new = map(str, published)
    folder = tmp_path / "d"
    assert "generation 1: frog" in run(python, deployer, "deploy", old, "--to", folder, "--app", "frog")
    assert printed(folder, "frog") == "old 1 1"
    assert "1.0 -> 1.1" in run(python, deployer, "deploy", new, "--to", folder, "--check", code=10)
    assert deployment.deploy(new, folder).generation.number == 2
    assert "nothing to do" in run(python, deployer, "deploy", new, "--to", folder)
    assert "every file is as it was published" in run(python, deployer, "status", folder, "--verify")
    assert "generation 1" in run(python, deployer, "rollback", folder)
    assert run(python, deployer, "exec", folder, "frog", "--", "-x", "a b").strip() == "old 1 1 -x a b"
    assert deployment.status(folder, verify=True).differences == ()
    run(python, deployer, "deploy", new, "--to", folder, "--app", "newt", "--allow-downgrade")
    shown = json.loads(run(python, deployer, "status", folder, "--json"))
    assert shown["generation"] == json.loads(deployment.status(folder).generation.text())
    run(python, deployer, "remove", folder, "--app", "newt")
    assert list(deployment.status(folder).generation.applications) == ["frog"]
    run(python, deployer, "collect", folder)
    assert_clean(folder)
    run(python, deployer, "remove", folder, "--purge")
    assert not folder.exists()


def test_a_place_that_cannot_be_written_is_named(deployer: Path) -> None:
    with pytest.raises(PublishError, match=r"x.pyz cannot be written: ") as caught:
        write_deployer(deployer / "x.pyz", "1.2.3")
    assert caught.value.hint == "choose an output folder that is not below a file"
    with pytest.raises(PublishError, match="cannot be written: "):
        older_packages(deployer, {}, Processes())


@pytest.mark.parametrize("minor", [10, 12, 13, 14])
def test_every_python_verifies_signatures(minor: int, deployer: Path, signed: Path, tmp_path: Path) -> None:
    python = other_python(minor)
    if python is None:
        pytest.skip(f"Python 3.{minor} is not installed")
    said = run(python, deployer, "deploy", signed, "--to", tmp_path / "d", "--app", "newt")
    assert "signed by Pond Ltd (root 1, " in said
    assert printed(tmp_path / "d", "newt") == "1 1"


def test_errors_are_sentences(deployer: Path, published: tuple[Path, Path], tmp_path: Path) -> None:
    assert "is not a deployment" in run(sys.executable, deployer, "status", tmp_path, code=6)
    said = run(sys.executable, deployer, "deploy", published[0], code=2)
    assert "--to" in said
    assert "hint: `venvstacks-deploy deploy -h`" in said
    assert "either --app or --purge" in run(sys.executable, deployer, "remove", tmp_path, code=2)
    publish(tmp_path / "zst", [runtime(), application("frog")])
    said = run(sys.executable, deployer, "deploy", tmp_path / "zst", "--to", tmp_path / "d", code=2)
    assert "this Python cannot read .tar.zst archives" in said or sys.version_info >= (3, 14)


def test_signatures_are_verified_where_the_packages_are_in_it(deployer: Path, tmp_path: Path) -> None:
    pytest.importorskip("tuf")
    publisher = make_publisher(tmp_path, NewKeys("Pond Ltd", {"root": 1}, {"root": 1}))
    bare = tmp_path / "bare.pyz"
    bare.write_bytes(deployer_content("1", []))
    where = ("--to", tmp_path / "d", "--check")
    said = run(sys.executable, deployer, "deploy", publisher.new, *where, code=10)
    assert f"signed by Pond Ltd (root 1, {publisher.fingerprint})" in said
    (publisher.new / "__venvstacks__/venvstacks.json").write_text("{}", "utf-8")
    for copy in publisher.new.glob("__venvstacks__/tuf/*.venvstacks.json"):
        copy.write_text("{}", "utf-8")
    assert "that was signed" in run(sys.executable, deployer, "deploy", publisher.new, *where, code=6)
    said = run(sys.executable, bare, "deploy", publisher.old, *where, code=2)
    assert "signed publications need packages that are not installed" in said


def test_each_python_takes_the_newest_packages_that_are_for_it(tmp_path: Path) -> None:
    """Of those for 3.9 and those that are only for a later Python than the running one, the former."""
    files = {"tuf/__init__.py": b"", "securesystemslib/__init__.py": b"raise ImportError(name=__file__)"}
    running = sys.version_info.minor
    sets = [VerifyingPackages({"tuf": "9"}, files, oldest) for oldest in (running + 1, running, OLDEST)]
    place = tmp_path / "d.pyz"
    place.write_bytes(deployer_content("1", sets))
    names = zipfile.ZipFile(place).namelist()
    assert {f"third_party/3.{one.oldest}/tuf/__init__.py" for one in sets} <= {*names}
    (tmp_path / "signed/__venvstacks__/tuf").mkdir(parents=True)
    (tmp_path / "signed/__venvstacks__/tuf/1.root.json").write_text("{}")
    said = run(sys.executable, place, "deploy", tmp_path / "signed", "--to", tmp_path / "d", code=2)
    assert f"third_party/3.{running}/securesystemslib" in said.replace("\\", "/")
