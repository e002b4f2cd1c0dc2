"""Folders whose names differ only in case, on file systems where they are one folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.folded_names import fold_names
from tests.support.published_layers import application, framework, publish, runtime
from venvstacks import deployment
from venvstacks.api.deployments import current_number

TERMS = {"share/terminfo/E/eterm": b"E", "share/terminfo/e/elks": b"e", "share/terminfo/e/f/elks": b"ef"}


def publish_terms(folder: Path, text: str = "1") -> str:
    pond = framework("pond")
    pond = replace(pond, files={**pond.files, **TERMS}, links={**pond.links, "share/terminfo/e/link": "../E/eterm"})
    publish(folder, (runtime("py", text=text), pond, application("frog", uses=("pond",))))
    return str(folder)


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return fold_names(tmp_path / "target", monkeypatch)


def contents(target: Path, name: str) -> list[list[bytes]]:
    """What all instances of the framework hold, by the spelling of the manifest."""
    number = current_number(target)
    assert number is not None
    layers = [place for place in (target / "store").glob(f"*/{name}") if not place.is_symlink()]
    return [[(layer / path).read_bytes() for path in TERMS] for layer in layers]


def test_folders_that_become_one_are_deployed_and_verified(tmp_path: Path, target: Path) -> None:
    deployment.deploy(publish_terms(tmp_path / "source"), target)
    assert contents(target, "framework-pond") == [[b"E", b"e", b"ef"]]
    assert deployment.status(target, verify=True).differences == ()


def test_an_instance_with_such_folders_is_copied(tmp_path: Path, target: Path) -> None:
    deployment.deploy(publish_terms(tmp_path / "source"), target)
    done = deployment.deploy(publish_terms(tmp_path / "update", text="2"), target)
    assert "framework-pond" in done.rebound
    assert contents(target, "framework-pond") == [[b"E", b"e", b"ef"]] * 2
    assert deployment.status(target, verify=True).differences == ()


def test_what_was_changed_in_such_a_folder_is_found(tmp_path: Path, target: Path) -> None:
    deployment.deploy(publish_terms(tmp_path / "source"), target)
    (folder,) = (place for place in (target / "store").glob("*/framework-pond") if not place.is_symlink())
    (folder / "share/terminfo/E/eterm").write_bytes(b"x")
    (folder / "share/terminfo/e/elks").unlink()
    (folder / "share/terminfo/e/new").write_bytes(b"")
    found = deployment.status(target, verify=True).differences
    assert found is not None
    assert sorted((one.path.lower(), one.kind) for one in found) == [
        ("framework-pond/share/terminfo/e/elks", "missing"),
        ("framework-pond/share/terminfo/e/eterm", "changed"),
        ("framework-pond/share/terminfo/e/new", "foreign"),
    ]
