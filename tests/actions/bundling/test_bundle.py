"""Bundles deploy as `deploy` does, on machines without Python: one file, a shell and a few small programs."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.bundle_machines import SHELLS, Machine, make_machine
from tests.support.folder_server import serving_folder
from tests.support.installed_applications import assert_clean, printed
from tests.support.other_pythons import other_python
from tests.support.published_layers import BASE_PYTHON, PLATFORM, application, framework, publish, runtime
from tests.support.signed_publications import Publisher, make_publisher, sign
from tests.support.waiting import ended_with_block, wait_until
from venvstacks.api import deployments as deployment
from venvstacks.api.bundles import WantedBundle, make_bundle
from venvstacks.errors import DeployError, PublishError, TrustError, UsageError
from venvstacks.model.platforms import PLATFORMS
from venvstacks.trust.root_rotation import NewKeys


@pytest.fixture(autouse=True)
def _on_a_platform() -> None:
    if PLATFORM is None or PLATFORM.is_windows:
        pytest.skip("the handmade layers hold shell scripts")


def bundled(source: Path | str, place: Path, *names: str, trusted: str | None = None) -> Path:
    assert PLATFORM is not None
    make_bundle(WantedBundle(str(source), place, PLATFORM, "1.2.3", names, trusted))
    return place


def release(folder: Path, text: str, number: str, packing: str) -> Path:
    layers = [runtime(), framework("pond"), application("frog", uses=("pond",), text=text), application("newt")]
    publish(folder, layers, packing=packing, release=number)
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two releases, in a format that needs more than the standard library, and in one that does not."""
    base = tmp_path_factory.mktemp("published")
    return release(base / "old", "old", "1.0", "tar.zst"), release(base / "new", "new", "1.1", "tar.xz")


@pytest.fixture(scope="module")
def bundles(published: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return bundled(published[0], folder / "old frog.run", "frog"), bundled(published[1], folder / "new.run", "app-frog")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return make_machine(tmp_path / "machine", "dash" if "dash" in SHELLS else "bash")


def members(bundle: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(bundle) as pack:
        return {name.removeprefix("publication/"): pack.read(name) for name in pack.namelist()}


def test_it_holds_what_the_application_needs(bundles: tuple[Path, Path], published: tuple[Path, Path]) -> None:
    old, new = map(members, bundles)
    assert {"py.tar.gz", "framework-pond.tar.gz", "app-frog.tar.gz"} <= old.keys()
    assert {"py.tar.gz", "framework-pond.tar.xz", "app-frog.tar.xz"} <= new.keys()
    assert not [name for name in (*old, *new) if "newt" in name or name.endswith(".zst")]
    for name in ("__venvstacks__/venvstacks.json", "framework-pond.tar.xz", "framework-pond.tar.xz.files.json.gz"):
        assert new[name] == (published[1] / name).read_bytes()
    assert bundles[0].stat().st_mode & 0o777 == 0o755


def test_it_has_the_same_bytes_every_time(
    bundles: tuple[Path, Path], published: tuple[Path, Path], tmp_path: Path
) -> None:
    with serving_folder(published[0]) as web:
        again = bundled(web.url, tmp_path / "again.run", "frog")
    assert members(again).keys() == members(bundles[0]).keys()
    assert [name for name, content in members(again).items() if content != members(bundles[0])[name]] == [
        "__venvstacks__/bundle.json"  # it names the source
    ]
    assert [*tmp_path.iterdir()] == [again]
    assert bundled(published[0], tmp_path / "x.run", "frog").read_bytes() == bundles[0].read_bytes()


@pytest.mark.parametrize("shell", ["bash", "busybox", "dash"])
def test_it_deploys_as_deploy_does(
    shell: str, bundles: tuple[Path, Path], published: tuple[Path, Path], tmp_path: Path
) -> None:
    if shell not in SHELLS:
        pytest.skip(f"{shell} is not installed")
    machine = make_machine(tmp_path / "machine", shell)
    folder, other = tmp_path / "Frösche 🐸 d'eau", tmp_path / "other"
    assert "generation 1: frog" in machine.install(bundles[0], folder, "--launchers", tmp_path / "bin")
    assert subprocess.check_output([tmp_path / "bin/frog"], text=True) == "old 1 1\n"
    deployment.deploy(str(published[0]), other, ["frog"])
    same = [deployment.status(one, verify=True) for one in (folder, other)]
    assert same[0].differences == same[1].differences == ()
    assert {**same[0].generation.data(), "created": "", "source": ""} == {
        **same[1].generation.data(),
        "created": "",
        "source": "",
    }


def test_updates_downgrades_and_deploys_from_elsewhere(
    bundles: tuple[Path, Path], published: tuple[Path, Path], machine: Machine, tmp_path: Path
) -> None:
    old, new = bundles
    folder = tmp_path / "d"
    deployment.deploy(str(published[0]), folder)
    assert "nothing to do" in machine.install(old, folder)
    assert "release 1.0 -> 1.1 (frog)" in machine.install(new, folder)
    assert printed(folder, "frog") == "new 1 1"
    assert list(deployment.status(folder).generation.applications) == ["frog", "newt"]
    refused = machine.run(old, folder)
    assert refused.status == 6
    assert "older release" in refused.output
    assert machine.run(new, "rollback", folder).status == 0
    assert machine.run(new, folder, "--check").status == 10
    assert deployment.deploy(str(published[1]), folder, ["frog"]).generation.number == 3
    assert deployment.status(folder, verify=True).differences == ()
    assert deployment.check(str(new), folder).changed is False


def test_an_installed_program_deploys_bundles_too(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    done = deployment.deploy(str(bundles[0]), tmp_path / "d")
    assert list(done.generation.applications) == ["frog"]
    shutil.unpack_archive(bundles[1], tmp_path / "unpacked", "zip")
    done = deployment.deploy(str(tmp_path / "unpacked"), tmp_path / "d")
    assert printed(tmp_path / "d", "frog") == "new 1 1"
    assert list(done.generation.applications) == ["frog"]
    assert_clean(tmp_path / "d")


def test_a_damaged_bundle_does_nothing(bundles: tuple[Path, Path], machine: Machine, tmp_path: Path) -> None:
    whole = bundles[0].read_bytes()
    damaged = tmp_path / "damaged.run"
    for place in (len(whole) // 2, len(whole) - 1, whole.index(b"PK\3\4")):
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        done = machine.run(damaged, tmp_path / "d")
        assert (done.status, "is damaged: its SHA-256 is another one" in done.output) == (6, True), done.output
    damaged.write_bytes(whole[:-100])
    assert f"it has {len(whole) - 100} bytes, not {len(whole)}" in machine.run(damaged, tmp_path / "d").output
    assert not (tmp_path / "d").exists()
    assert [*machine.temporary.iterdir()] == []


def test_damage_that_the_script_cannot_see_is_found_as_well(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.unpack_archive(bundles[0], tmp_path / "b", "zip")
    archive = tmp_path / "b/publication/framework-pond.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    with pytest.raises(DeployError, match="is not the file that the manifest lists"):
        deployment.deploy(str(tmp_path / "b"), tmp_path / "d")
    archive.unlink()
    with pytest.raises(DeployError, match=r"framework-pond.tar.gz is missing in .*/b"):
        deployment.deploy(str(tmp_path / "b"), tmp_path / "d")
    content = bundles[0].read_bytes()
    place = content.rindex(b"app-frog.tar.gz", 0, content.index(b"__venvstacks__/bundle.json")) + 100
    (tmp_path / "damaged.run").write_bytes(content[:place] + b"?" + content[place + 1 :])
    with pytest.raises(DeployError, match=r"app-frog.tar.gz in .*damaged.run is damaged"):
        deployment.deploy(str(tmp_path / "damaged.run"), tmp_path / "d")
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as pack:
        pack.writestr("publication/__venvstacks__/bundle.json", '{"format": 2}')
    with pytest.raises(DeployError, match=r"the bundle .*x.zip cannot be used"):
        deployment.deploy(str(tmp_path / "x.zip"), tmp_path / "d")


def test_where_it_cannot_work_it_says_why(bundles: tuple[Path, Path], machine: Machine, tmp_path: Path) -> None:
    bundle = bundles[0]
    done = machine.run(bundle, tmp_path / "d", TMPDIR=str(tmp_path / "missing"))
    assert done.status == 6
    assert "hint: set TMPDIR to a folder that can be written to" in done.output
    (tmp_path / "file").touch()
    done = machine.run(bundle, tmp_path / "file")
    assert (done.status, "Traceback" in done.output) == (6, False)
    assert "usage: sh old frog.run" in machine.run(bundle, "--help").output
    (machine.folder / "bin/sha256sum").unlink()
    done = machine.run(bundle, tmp_path / "d")
    assert done.status == 6
    assert done.output.startswith("error: this machine has no program for SHA-256")
    assert [*machine.temporary.iterdir()] == []


def test_it_is_found_in_the_current_folder(bundles: tuple[Path, Path], machine: Machine, tmp_path: Path) -> None:
    shutil.copy(bundles[0], tmp_path / "-frog.run")
    assert machine.run("./-frog.run", "d", cwd=tmp_path).status == 0
    assert printed(tmp_path / "d", "frog") == "old 1 1"


@pytest.mark.parametrize("script", ["#!/nowhere/python\n", "#!/bin/sh\nexit 1\n"])
def test_a_python_that_cannot_be_started(script: str, machine: Machine, tmp_path: Path) -> None:
    python = runtime()
    broken = type(python)(python.name, {**python.files, "bin/python3.11": script.encode()}, python.links)
    publish(tmp_path / "p", [broken, application("frog")], packing="tar.gz")
    done = machine.run(bundled(tmp_path / "p", tmp_path / "b.run"), tmp_path / "d")
    assert done.status == 6
    assert "cannot be started in" in done.output
    assert "set TMPDIR to a folder that programs can be started from" in done.output
    assert [*machine.temporary.iterdir()] == []


def test_an_interrupted_bundle_leaves_the_old_state(
    published: tuple[Path, Path], machine: Machine, tmp_path: Path
) -> None:
    """The post-install of the new runtime waits until it is interrupted."""
    folder = tmp_path / "d"
    deployment.deploy(str(published[0]), folder, ["frog"])
    waiting = tmp_path / "waiting"
    script = (
        f'#!/bin/sh\ncase "$*" in *postinstall.py*) : >{str(waiting)!r}; exec sleep 60;; esac\n'
        f'exec "{sys.executable}" -S "$@"\n'
    )
    python = runtime(text="2")
    slow = type(python)(python.name, {**python.files, "bin/python3.11": script.encode()}, python.links)
    publish(tmp_path / "p", [slow, application("frog")], release="2")
    bundle = bundled(tmp_path / "p", tmp_path / "new.run")
    environment = {**machine.environment, "PATH": f"{machine.environment['PATH']}{os.pathsep}/bin"}
    child = subprocess.Popen(
        machine.command(bundle, folder), env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with ended_with_block(child):
        wait_until(lambda: waiting.exists() or child.poll() is not None)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=50)
    assert child.returncode == 143, said
    assert "interrupted: what was current still is: generation 1" in said
    assert [*machine.temporary.iterdir()] == []
    assert printed(folder, "frog") == "old 1 1"


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    pytest.importorskip("tuf")
    return make_publisher(tmp_path_factory.mktemp("publisher"), NewKeys("Pond Ltd", {"root": 1}, {"root": 1}))


def test_signed_publications_stay_signed(publisher: Publisher, machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "d"
    old, new = (
        bundled(one, tmp_path / f"{one.name}.run", trusted=publisher.fingerprint)
        for one in (publisher.old, publisher.new)
    )
    with pytest.raises(TrustError, match="has the fingerprint"):
        deployment.deploy(str(old), folder, trusted="0" * 64)
    said = machine.install(old, folder, "--trust", publisher.fingerprint)
    assert f"signed by Pond Ltd (root 1, {publisher.fingerprint})" in said
    assert str(deployment.deploy(str(new), folder).signer).startswith("Pond Ltd")
    with pytest.raises(DeployError, match=r"older"):
        deployment.deploy(str(old), folder)
    assert deployment.deploy(str(publisher.new), folder).changed is False
    shutil.unpack_archive(new, tmp_path / "b", "zip")
    for place in (tmp_path / "b/publication/__venvstacks__").rglob("*venvstacks.json"):
        place.write_text(place.read_text("utf-8").replace("2.4.1", "2.4.2"), "utf-8")
    with pytest.raises(TrustError, match="that was signed"):
        deployment.deploy(str(tmp_path / "b"), folder)


def test_what_cannot_be_bundled_is_refused(published: tuple[Path, Path], publisher: Publisher, tmp_path: Path) -> None:
    place = tmp_path / "x.run"
    with pytest.raises(UsageError, match="has no application 'toad'"):
        bundled(published[0], place, "toad")
    with pytest.raises(TrustError):
        bundled(publisher.new, place, trusted="0" * 64)
    with pytest.raises(TrustError, match="is not signed"):
        bundled(published[0], place, trusted=publisher.fingerprint)
    publish(tmp_path / "p", [runtime(version="3.8.20"), application("frog")])
    with pytest.raises(UsageError, match=r"cpython@3.8.20 cannot be made: the deployer in it needs Python 3.9"):
        bundled(tmp_path / "p", place)
    shutil.copytree(published[1], tmp_path / "q")
    archive = tmp_path / "q/py.tar.xz"
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    with pytest.raises(DeployError, match=r"py.tar.xz is not the file that the manifest lists"):
        bundled(tmp_path / "q", place)
    with pytest.raises(PublishError, match=r"x.run cannot be written: ") as caught:
        bundled(published[0], archive / "x.run")
    assert caught.value.hint == "choose an output folder that is not below a file"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["p", "q"]


@pytest.mark.parametrize("minor", [9, 10, 12, 13])
def test_signed_bundles_above_other_pythons(minor: int, publisher: Publisher, tmp_path: Path) -> None:
    """The installed packages that verify need Python 3.10; the last ones for 3.9 take their place in its bundles."""
    python = other_python(minor)
    publish(tmp_path / "p", [runtime(python=python or BASE_PYTHON, version=f"3.{minor}.1"), application("frog")])
    sign(tmp_path / "p", publisher.keys)
    bundle = bundled(tmp_path / "p", tmp_path / "frog.run", trusted=publisher.fingerprint)
    with zipfile.ZipFile(bundle) as pack, zipfile.ZipFile(io.BytesIO(pack.read("install.pyz"))) as program:
        assert any("/tuf-6.0.0.dist-info/" in name for name in program.namelist()) is (minor == 9)
    if python is None:
        pytest.skip(f"needs Python 3.{minor}")
    machine = make_machine(tmp_path / "machine", "dash" if "dash" in SHELLS else "bash")
    machine.install(bundle, tmp_path / "d", "--trust", publisher.fingerprint)
    trust = deployment.status(tmp_path / "d").trust
    assert trust is not None
    assert trust.publisher == "Pond Ltd"


def test_a_zip_archive_of_a_runtime_is_packed_for_the_shell(tmp_path: Path) -> None:
    publish(tmp_path / "p", [runtime(), application("frog")], packing="zip")
    bundle = bundled(tmp_path / "p", tmp_path / "frog.run")
    assert {"py.tar.gz", "app-frog.zip"} <= members(bundle).keys()
    deployment.deploy(str(bundle), tmp_path / "d")
    assert_clean(tmp_path / "d")
    with zipfile.ZipFile(bundle) as pack, tarfile.open(fileobj=io.BytesIO(pack.read("publication/py.tar.gz"))) as tar:
        assert tar.getmember("py/bin/python3.11").mode == 0o755


def test_for_windows_it_is_a_zip_archive_with_a_command_file(tmp_path: Path) -> None:
    changes = {"target_platform": "win_amd64"}
    python, made = runtime(), application("frog")
    contents = {**python.files, "bin/python": b"MZ"}
    layers = [
        type(python)(one.name, files, {}, one.runtime, changes=changes)
        for one, files in ((python, contents), (made, made.files))
    ]
    publish(tmp_path / "p", layers, tag="win_amd64", release="1.0")
    place = tmp_path / "frog.zip"
    make_bundle(WantedBundle(str(tmp_path / "p"), place, PLATFORMS["win_amd64"], "1"))
    found = members(place)
    assert found["runtime/lib/python3.11/river.py"] == b"NAME = '1'\n"
    assert b'"%~dp0runtime\\bin\\python" -I -S -B' in found["install.cmd"]
    assert found["install.cmd"].count(b"\n") == found["install.cmd"].count(b"\r\n")
    assert {"install.pyz", "py.tar.gz", "app-frog.tar.gz", "__venvstacks__/venvstacks-win_amd64.json"} <= found.keys()
    assert json.loads(found["__venvstacks__/bundle.json"])["platform"] == "win_amd64"
