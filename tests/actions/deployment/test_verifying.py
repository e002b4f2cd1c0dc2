"""What `status --verify` tells of installed files, and `deploy --repair` mends."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.published_layers import SITE
from venvstacks.api import deployments as deployment

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
        told = deployment.status(installed, verify=True).differences or ()
    assert (f"{POND}/{path}", kind) in [(one.path, one.kind) for one in told]
    assert {one.instance for one in told} == {pond(installed).parent.name}
    assert deployment.status(installed).differences is None
    assert deployment.status(installed, verify=True).differences == ()


def test_compiled_files_are_known_too(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    (compiled,) = pond(tmp_path).glob(f"{SITE}/__pycache__/pond.*.pyc")
    change(compiled)
    written_later = compiled.with_name(compiled.name.replace(".pyc", ".opt-1.pyc"))
    written_later.write_bytes(b"by Python itself")
    told = deployment.status(tmp_path, verify=True).differences or ()
    assert [(one.path, one.kind) for one in told] == [(f"{POND}/{SITE}/__pycache__/{compiled.name}", "changed")]


def test_what_lies_beside_a_layer_is_looked_at(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    beside = pond(tmp_path).parent
    (beside / "py").unlink()
    (beside / "stray").mkdir()
    told = deployment.status(tmp_path, verify=True).differences or ()
    assert [(one.path, one.kind) for one in told if "/" not in one.path] == [("py", "missing"), ("stray", "foreign")]


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
