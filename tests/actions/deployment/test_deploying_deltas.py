"""Updates by deltas: the installed files are the published ones, whichever way they came."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.delta_publications import chain, publish_with_deltas, stack
from tests.support.folder_server import serving_folder
from tests.support.installed_applications import printed
from tests.support.packable_trees import on_disk
from tests.support.published_layers import SITE
from venvstacks.api import deployments as deployment
from venvstacks.digests import sha256_file
from venvstacks.errors import DeployError
from venvstacks.model.conventions import METADATA_DIR

GENERATED = ("pyvenv.cfg", "sitecustomize.py", ".pyc")
BULK = f"{SITE}/bulk.bin"


@dataclass
class Machine:
    """A deployment, and what deploying to it warns about."""

    folder: Path
    warnings: list[str] = field(default_factory=list)

    def deploy(self, source: Path | str, **more: bool) -> deployment.Deployed:
        options = deployment.DeployOptions(warn=self.warnings.append, threads=2, retry_pauses=())
        return deployment.deploy(str(source), self.folder, None, options, **more)

    @property
    def pond(self) -> Path:
        """The folder of the current framework."""
        instances = deployment.status(self.folder).generation.instances
        (id_,) = [one.id for one in instances if one.target == "framework-pond"]
        return self.folder / "store" / id_ / "framework-pond"


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three publications, each with deltas from the one before, and what that one has."""
    return chain(tmp_path_factory.mktemp("published"), ["one", "two", "three"])


@pytest.fixture(scope="session")
def fresh(published: list[Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Machine]:
    """New deployments of each publication, by what they tell; only to be looked at."""
    machines = {text: Machine(tmp_path_factory.mktemp("fresh") / "d") for text in ("one", "two", "three")}
    for machine, source in zip(machines.values(), published, strict=True):
        machine.deploy(source)
    return machines


@pytest.fixture
def machine(fresh: dict[str, Machine], tmp_path: Path) -> Machine:
    """With the first one installed."""
    return Machine(Path(shutil.copytree(fresh["one"].folder, tmp_path / "d", symlinks=True)))


@pytest.fixture
def second(published: list[Path], tmp_path: Path) -> Path:
    """A copy of the second publication that may be damaged."""
    folder = tmp_path / "second"
    publish_with_deltas(folder, stack("two"), published[:1])
    return folder


def pond_delta(folder: Path) -> Path:
    (place,) = folder.glob("framework-pond-*.delta")
    return place


def assert_as_new(machine: Machine, new: Machine) -> None:
    """What is installed is what a new deployment of the same publication is."""
    assert printed(machine.folder, "frog") == printed(new.folder, "frog")
    assert deployment.status(machine.folder, verify=True).differences == ()
    assert machine.pond.parent.name == new.pond.parent.name
    found, wanted = on_disk(machine.pond), on_disk(new.pond)
    assert found.keys() == wanted.keys()
    different = {path for path in found if found[path] != wanted[path]}
    assert {path for path in different if not path.endswith(GENERATED)} == set()
    assert not list((machine.folder / "staging").iterdir())


def test_changed_layers_come_as_deltas(machine: Machine, published: list[Path], fresh: dict[str, Machine]) -> None:
    before = deployment.check(str(published[1]), machine.folder)
    done = machine.deploy(published[1])
    assert set(done.updated) == set(done.fetched) == {"framework-pond", "app-frog"}
    assert before.bytes_to_fetch <= done.bytes_fetched < 8000
    assert machine.warnings == []
    assert_as_new(machine, fresh["two"])
    deployment.rollback(machine.folder)
    assert printed(machine.folder, "frog") == "one one 1"


def test_chains_of_deltas(machine: Machine, published: list[Path], fresh: dict[str, Machine]) -> None:
    done = machine.deploy(published[2])
    assert "framework-pond" in done.updated
    assert done.bytes_fetched < 12_000
    assert_as_new(machine, fresh["three"])


def test_only_deltas_and_lists_are_asked_for(machine: Machine, published: list[Path]) -> None:
    with serving_folder(published[2]) as web:
        machine.deploy(web.url)
    asked = [path for path, _ in web.asked if not path.startswith(METADATA_DIR)]
    assert len([path for path in asked if path.endswith(".delta")]) == 4
    assert not [path for path in asked if path.endswith(".tar.zst")]
    assert printed(machine.folder, "frog") == "three three 1"


def test_an_interrupted_download_of_a_delta_is_resumed(machine: Machine, published: list[Path]) -> None:
    with serving_folder(published[1]) as web:
        web.cuts, web.cut_names = [200], ".delta"  # lists of files are fetched again as a whole
        options = deployment.DeployOptions(warn=machine.warnings.append, retry_pauses=(0.0, 0.0))
        done = deployment.deploy(web.url, machine.folder, None, options)
    assert set(done.updated) == {"framework-pond", "app-frog"}
    assert 200 in [begin for _, begin in web.asked]
    assert machine.warnings == []


@pytest.mark.parametrize("how", ["missing delta", "other delta", "delta of other files"])
def test_deltas_that_are_no_good(machine: Machine, second: Path, fresh: dict[str, Machine], how: str) -> None:
    place = pond_delta(second)
    content = place.read_bytes()
    if how == "missing delta":
        place.unlink()
    elif how == "other delta":
        place.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    else:  # with metadata that fits
        (other,) = second.glob("app-frog-*.delta")
        place.write_bytes(other.read_bytes())
        manifest = second / METADATA_DIR / "venvstacks.json"
        data = json.loads(manifest.read_text("utf-8"))
        (delta,) = data["layers"]["frameworks"][0]["venvstacks"]["deltas"]
        delta |= {"size": place.stat().st_size, "sha256": sha256_file(place)}
        manifest.write_text(json.dumps(data), "utf-8")
    done = machine.deploy(second)
    assert done.updated == ("app-frog",)
    (warning,) = machine.warnings
    assert warning.startswith("framework-pond cannot be updated by deltas, and is fetched as a whole: ")
    assert_as_new(machine, fresh["two"])


@pytest.mark.parametrize("how", ["a file", "the list"])
def test_damaged_installed_files(machine: Machine, second: Path, fresh: dict[str, Machine], how: str) -> None:
    place = machine.pond / BULK if how == "a file" else machine.pond.parent / "files.json.gz"
    content = place.read_bytes()
    place.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    done = machine.deploy(second)
    assert done.updated == ("app-frog",)
    assert len(machine.warnings) == 1
    assert_as_new(machine, fresh["two"])


def test_damaged_layers_are_no_base_for_a_repair(machine: Machine, second: Path, fresh: dict[str, Machine]) -> None:
    (machine.pond / BULK).write_bytes(b"changed")
    done = machine.deploy(second, repair=True)
    assert "framework-pond" not in done.updated
    assert machine.warnings == []
    assert_as_new(machine, fresh["two"])


def test_without_delta_and_archive_what_is_installed_stays(machine: Machine, second: Path) -> None:
    pond_delta(second).unlink()
    (second / "framework-pond.tar.zst").unlink()
    with pytest.raises(DeployError, match=r"framework-pond.tar.zst is missing"):
        machine.deploy(second)
    assert printed(machine.folder, "frog") == "one one 1"


def test_a_manifest_with_an_unsafe_delta_is_refused(machine: Machine, second: Path) -> None:
    manifest = second / METADATA_DIR / "venvstacks.json"
    text = manifest.read_text("utf-8")
    manifest.write_text(text.replace(pond_delta(second).name, "../other.delta"), "utf-8")
    with pytest.raises(DeployError, match="is not valid") as caught:
        machine.deploy(second)
    assert "not a plain relative path" in "".join(caught.value.details)
