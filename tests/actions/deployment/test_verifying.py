"""Which differences of installed files `status --verify` reports and `deploy --repair` repairs."""

from __future__ import annotations

import contextlib
import json
import marshal
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path

import pytest

from tests.actions.deployment.conftest import LAYERS
from tests.support.published_layers import SITE, Published, config_text, publish
from venvstacks.api import deployments as deployment
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.records.file_lists import FileManifest

POND = "framework-pond"


def pond(folder: Path) -> Path:
    return next(folder.glob(f"store/*/{POND}")).resolve()  # the layer itself: others have links to it


def remove(place: Path) -> None:
    place.unlink()


def change(place: Path) -> None:
    content = place.read_bytes()
    place.write_bytes(bytes([content[0] ^ 1]) + content[1:])


def lengthen(place: Path) -> None:
    place.write_bytes(place.read_bytes() + b"\n")


def make_executable_a_plain_file(place: Path) -> None:
    place.chmod(0o644)


def replace_by_link(place: Path) -> None:
    place.unlink()
    place.symlink_to("elsewhere")


def add(place: Path) -> None:
    place.write_text("new", encoding="utf-8")


DAMAGE: list[tuple[str, Callable[[Path], None], str]] = [
    (f"{SITE}/pond.py", remove, "missing"),
    (f"{SITE}/pond.py", change, "changed"),
    (f"{SITE}/pond_data.bin", lengthen, "changed"),
    (f"{SITE}/pond.py", replace_by_link, "changed"),
    (f"{SITE}/pond.pyc", add, "foreign"),
    (f"{SITE}/toad.py", add, "foreign"),
    (f"{SITE}/__pycache__/toad.cpython-311.pyc", add, "foreign"),
    ("bin/python", remove, "missing"),
    ("pyvenv.cfg", change, "changed"),
    ("pyvenv.cfg", remove, "missing"),
    (f"{SITE}/sitecustomize.py", lengthen, "changed"),
    ("postinstall.py", change, "changed"),
    ("share/venv/metadata/venvstacks_layer.json", remove, "missing"),
]


@pytest.fixture(scope="module")
def installed(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    deployment.deploy(str(first), folder, ["frog"])
    return folder


@contextlib.contextmanager
def brought_back(place: Path) -> Iterator[None]:
    """Undo what happens to a file or link."""
    target = place.readlink() if place.is_symlink() else None
    kept = place.read_bytes() if place.exists() else None
    yield
    place.unlink(missing_ok=True)
    if target is not None:
        place.symlink_to(target)
    elif kept is not None:
        place.write_bytes(kept)


@pytest.mark.parametrize(("path", "damage", "kind"), DAMAGE, ids=lambda value: getattr(value, "__name__", None))
def test_every_damage_is_named(path: str, damage: Callable[[Path], None], kind: str, installed: Path) -> None:
    place = pond(installed) / path
    with brought_back(place):
        damage(place)
        found = deployment.status(installed, verify=True).differences or ()
    assert (f"{POND}/{path}", kind) in [(one.path, one.kind) for one in found]
    assert {one.instance for one in found} == {pond(installed).parent.name}
    assert deployment.status(installed).differences is None
    assert deployment.status(installed, verify=True).differences == ()


def test_compiled_files_are_known_too(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    (compiled,) = pond(tmp_path).glob(f"{SITE}/__pycache__/pond.*.pyc")
    change(compiled)
    written_later = compiled.with_name(compiled.name.replace(".pyc", ".opt-1.pyc"))
    written_later.write_bytes(b"by Python itself")
    found = deployment.status(tmp_path, verify=True).differences or ()
    assert [(one.path, one.kind) for one in found] == [(f"{POND}/{SITE}/__pycache__/{compiled.name}", "changed")]


def test_files_next_to_a_layer_are_compared(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    beside = pond(tmp_path).parent
    (beside / "py").unlink()
    (beside / "stray").mkdir()
    found = deployment.status(tmp_path, verify=True).differences or ()
    assert [(one.path, one.kind) for one in found if "/" not in one.path] == [("py", "missing"), ("stray", "foreign")]


def test_repairing_replaces_what_is_damaged_and_nothing_else(
    first: Path, tmp_path: Path, start: Callable[..., str]
) -> None:
    deployment.deploy(str(first), tmp_path)
    change(pond(tmp_path) / SITE / "pond.py")
    done = deployment.deploy(str(first), tmp_path, repair=True)
    assert done.fetched == (POND,)
    assert set(done.rebound) == {"app-frog", "app-newt"}
    assert set(done.kept) == {"py", "framework-reeds"}
    assert start(tmp_path, "newt") == "1 1 1 1"
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert not deployment.deploy(str(first), tmp_path, repair=True).changed
    assert not deployment.deploy(str(first), tmp_path).changed


def test_a_damaged_layer_is_not_linked_from(
    first: Path, second: Path, tmp_path: Path, start: Callable[..., str]
) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    change(pond(tmp_path) / SITE / "pond_data.bin")
    done = deployment.deploy(str(second), tmp_path, ["frog"])
    assert set(done.fetched) == {"py", POND}
    assert done.rebound == ("app-frog",)
    assert deployment.status(tmp_path, verify=True).differences == ()
    assert start(tmp_path, "frog") == "1 1 2"


def differences(folder: Path) -> list[tuple[str, str]]:
    return [(one.path, one.kind) for one in deployment.status(folder, verify=True).differences or ()]


def test_the_list_of_files_is_held_against_its_own_digest(first: Path, tmp_path: Path) -> None:
    """A list that agrees with changed files is no proof."""
    deployment.deploy(str(first), tmp_path, ["frog"])
    listing = pond(tmp_path).parent / "files.json.gz"
    manifest = FileManifest.unpack(listing.read_bytes())
    listing.write_bytes(replace(manifest, files=manifest.files[1:]).packed())
    assert differences(tmp_path) == [("files.json.gz", "changed")]
    assert deployment.deploy(str(first), tmp_path, repair=True).fetched == (POND,)
    assert differences(tmp_path) == []


def compile_as(source: Path, text: str, *, unchecked: bool = False) -> Path:
    """Bytecode of another text that Python takes for that of `source`."""
    place = Path(cache_from_source(str(source), optimization=""))
    code = compile(text, str(source), "exec", dont_inherit=True)
    info = source.stat()
    facts = struct.pack("<LL", int(info.st_mtime) & 0xFFFFFFFF, info.st_size & 0xFFFFFFFF)
    head = struct.pack("<L", 1) + b"12345678" if unchecked else struct.pack("<L", 0) + facts
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(MAGIC_NUMBER + head + marshal.dumps(code))
    return place


@pytest.fixture
def uncompiled(tmp_path: Path) -> Path:
    """A deployment of layers that compile nothing when they are deployed."""
    without = [replace(layer, files=layer.files | {LAYER_CONFIG: uncompiled_config(layer)}) for layer in LAYERS[:2]]
    publish(tmp_path / "a", [*without, LAYERS[3]])
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d", ["frog"])
    return tmp_path / "d"


def uncompiled_config(layer: Published) -> bytes:
    return json.dumps({**json.loads(config_text(layer)), "bytecode": "none"}).encode()


@pytest.mark.parametrize("unchecked", [False, True], ids=["by time", "unchecked"])
def test_bytecode_that_is_not_its_source_is_foreign(unchecked: bool, uncompiled: Path) -> None:  # noqa: FBT001
    source = pond(uncompiled) / SITE / "pond.py"
    compile_as(source, source.read_text(), unchecked=unchecked)
    assert differences(uncompiled) == [], "Python itself may have written this"
    bad = compile_as(source, "NAME = 'evil'\n", unchecked=unchecked)
    assert differences(uncompiled) == [(f"{POND}/{SITE}/__pycache__/{bad.name}", "foreign")]
    deployment.deploy(deployment.status(uncompiled).generation.source, uncompiled, repair=True)
    assert differences(uncompiled) == []


def test_bytecode_that_python_would_not_use_is_passed_over(uncompiled: Path) -> None:
    source = pond(uncompiled) / SITE / "pond.py"
    bytecode = compile_as(source, "NAME = 'evil'\n")
    os.utime(source, (1, 1))
    assert differences(uncompiled) == []
    bytecode.write_bytes(b"\0\0\0\0 of another Python")
    assert differences(uncompiled) == []


def test_bytecode_is_no_proof_if_it_cannot_be_compared(uncompiled: Path) -> None:
    source = pond(uncompiled) / SITE / "pond.py"
    bytecode = compile_as(source, source.read_text())
    python = next(place for place in uncompiled.glob("store/*/py/bin/python3.11") if place.resolve() == place)
    python.chmod(0o644)
    assert (f"{POND}/{SITE}/__pycache__/{bytecode.name}", "foreign") in differences(uncompiled)
