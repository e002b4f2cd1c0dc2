from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.actions.deployment.conftest import LAYERS
from tests.support.published_layers import PLATFORM, application, framework, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.api.machine_platform import this_glibc
from venvstacks.errors import DeployError, UsageError
from venvstacks.model.conventions import METADATA_DIR
from venvstacks.model.runtime_needs import needs_glibc, needs_libraries
from venvstacks.records.stack_manifest import manifest_text

Start = Callable[..., str]


def targets(folder: Path) -> set[str]:
    return {installed.target for installed in deployment.status(folder).generation.instances}


def stored(folder: Path) -> list[str]:
    return sorted(place.name for place in (folder / "store").iterdir())


def tree_state(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for place in folder.rglob("*"):
        info = place.lstat()
        found[str(place)] = (info.st_ino, info.st_mtime_ns)
    return found


def test_an_application_comes_with_what_it_needs_and_nothing_more(first: Path, tmp_path: Path, start: Start) -> None:
    done = deployment.deploy(str(first), tmp_path / "d", ["frog"])
    assert done.changed
    assert sorted(done.fetched) == ["app-frog", "framework-pond", "py"]
    assert start(tmp_path / "d", "frog", "a b") == "1 1 1 a b"
    assert start(tmp_path / "d", "app-frog") == "1 1 1"
    state = json.loads((tmp_path / "d/current/state.json").read_text())
    assert list(state["applications"]) == ["frog"]
    assert {tuple(names) for names in state["needed_by"].values()} == {("frog",)}
    assert (tmp_path / "d/current/apps/frog/bin/python").exists()


def test_a_second_application_shares_layers_that_are_not_touched(first: Path, tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "d"
    deployment.deploy(str(first), folder, ["frog"])
    before = tree_state(folder / "store")
    done = deployment.deploy(str(first), folder, ["newt"])
    assert sorted(done.fetched) == ["app-newt", "framework-reeds"]
    assert sorted(done.kept) == ["framework-pond", "py"]
    assert before.items() <= tree_state(folder / "store").items()
    assert (start(folder, "frog"), start(folder, "newt")) == ("1 1 1", "1 1 1 1")


def test_deploying_again_does_nothing(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path)
    before = tree_state(tmp_path / "store"), (tmp_path / "current").readlink()
    done = deployment.deploy(str(first), tmp_path)
    assert not done.changed
    assert done.bytes_fetched == 0
    assert (tree_state(tmp_path / "store"), (tmp_path / "current").readlink()) == before


def test_without_names_all_applications_and_later_the_installed_ones(first: Path, tmp_path: Path) -> None:
    deployment.deploy(str(first), tmp_path / "new")
    assert targets(tmp_path / "new") == {layer.name for layer in LAYERS}
    deployment.deploy(str(first), tmp_path / "frog", ["frog"])
    deployment.deploy(str(first), tmp_path / "frog")
    assert targets(tmp_path / "frog") == {"py", "framework-pond", "app-frog"}


def test_layers_above_a_changed_one_are_copied_not_fetched(
    first: Path, second: Path, tmp_path: Path, start: Start
) -> None:
    """What an application writes into its files does not come back with a rollback: no two instances share a file."""
    deployment.deploy(str(first), tmp_path)
    done = deployment.deploy(str(second), tmp_path)
    assert done.fetched == ("py",)
    assert set(done.rebound) == {layer.name for layer in LAYERS} - {"py"}
    files = [place for place in (tmp_path / "store").rglob("*") if place.is_file() and not place.is_symlink()]
    assert {place.stat().st_nlink for place in files} == {1}
    assert start(tmp_path, "newt") == "1 1 1 2"
    assert deployment.status(tmp_path, verify=True).differences == ()


def test_rollback_and_forward_again(first: Path, second: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path)
    deployment.deploy(str(second), tmp_path)
    assert deployment.rollback(tmp_path).number == 1
    assert start(tmp_path, "frog") == "1 1 1"
    with pytest.raises(DeployError, match="oldest that is kept") as caught:
        deployment.rollback(tmp_path)
    assert caught.value.hint == "other generations that are kept: 2"
    assert deployment.rollback(tmp_path, 2).number == 2
    assert start(tmp_path, "frog") == "1 1 2"
    with pytest.raises(DeployError, match=r"generation 7 of .* is not there"):
        deployment.rollback(tmp_path, 7)


def test_after_a_rollback_a_deploy_continues_from_there(
    first: Path, second: Path, tmp_path: Path, start: Start
) -> None:
    deployment.deploy(str(first), tmp_path)
    deployment.deploy(str(second), tmp_path)
    deployment.rollback(tmp_path)
    done = deployment.deploy(str(second), tmp_path)
    assert (done.generation.number, done.generation.previous) == (3, 1)
    assert done.fetched == ()
    assert sorted(place.name for place in (tmp_path / "generations").iterdir()) == ["1", "3"]
    assert deployment.rollback(tmp_path).number == 1
    assert start(tmp_path, "newt") == "1 1 1 1"


def test_removed_applications_stay_for_rollback_and_then_go(first: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path)
    everything = stored(tmp_path)
    generation, removed = deployment.remove(tmp_path, ["newt"])
    assert (list(generation.applications), removed) == (["frog"], ())
    assert stored(tmp_path) == everything
    deployment.rollback(tmp_path)
    assert start(tmp_path, "newt") == "1 1 1 1"
    deployment.remove(tmp_path, ["app-newt"])
    _, removed = deployment.remove(tmp_path, ["frog"])
    assert len(removed) == 2  # newt and reeds; frog's layers are what rollback needs
    assert deployment.status(tmp_path).generation.instances == ()
    assert deployment.rollback(tmp_path).applications.keys() == {"frog"}
    assert start(tmp_path, "frog") == "1 1 1"


def test_versions_of_a_layer_live_side_by_side(tmp_path: Path, start: Start) -> None:
    publish(tmp_path / "old", (runtime(), framework("pond"), application("frog", uses=("pond",))))
    newer = (runtime(), framework("pond", text="2"), application("newt", uses=("pond",)))
    publish(tmp_path / "new", newer)
    deployment.deploy(str(tmp_path / "old"), tmp_path / "d", ["frog"])
    done = deployment.deploy(str(tmp_path / "new"), tmp_path / "d", ["newt"])
    assert done.kept == ("py",)
    assert (start(tmp_path / "d", "frog"), start(tmp_path / "d", "newt")) == ("1 1 1", "1 2 1")


def test_an_installed_application_that_is_no_longer_offered_stays(tmp_path: Path, first: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path / "d")
    publish(tmp_path / "new", (runtime(text="2"), framework("pond"), application("frog", uses=("pond",))))
    done = deployment.deploy(str(tmp_path / "new"), tmp_path / "d")
    assert done.left_alone == ("newt",)
    assert (start(tmp_path / "d", "frog"), start(tmp_path / "d", "newt")) == ("1 1 2", "1 1 1 1")


def test_tagged_artifacts_of_the_right_platform_are_chosen(tmp_path: Path, start: Start) -> None:
    assert PLATFORM is not None
    other = {"target_platform": "win_amd64"}
    publish(tmp_path / "a", [runtime(), application("frog", text="here")], tag=PLATFORM.name)
    publish(tmp_path / "b", [runtime(), replace(application("frog", text="there"), changes=other)])
    (tmp_path / "b/__venvstacks__/venvstacks.json").replace(tmp_path / "a/__venvstacks__/venvstacks.json")
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d")
    assert start(tmp_path / "d", "frog") == "here 1"


@pytest.mark.parametrize("packing", ["tar.zst", "tar.xz", "tar.gz", "zip"])
def test_every_format_is_deployed(packing: str, tmp_path: Path, start: Start) -> None:
    publish(tmp_path / "a", (runtime(), application("frog")), packing=packing)
    deployment.deploy(str(tmp_path / "a"), tmp_path / "d")
    assert start(tmp_path / "d", "frog") == "1 1"
    assert deployment.status(tmp_path / "d", verify=True).differences == ()


def test_a_moved_deployment_works_where_it_is(first: Path, tmp_path: Path, start: Start) -> None:
    deployment.deploy(str(first), tmp_path / "d")
    (tmp_path / "d").rename(tmp_path / "é  e")
    assert start(tmp_path / "é  e", "newt") == "1 1 1 1"
    assert {one.path for one in deployment.status(tmp_path / "é  e", verify=True).differences or ()} == {
        "app-frog/pyvenv.cfg",
        f"app-frog/{'lib/python3.11/site-packages'}/sitecustomize.py",
    }, "only what was not started yet still speaks of the old place"
    assert start(tmp_path / "é  e", "frog") == "1 1 1"
    assert deployment.status(tmp_path / "é  e", verify=True).differences == ()


def test_a_deployment_behind_a_symbolic_link(first: Path, tmp_path: Path, start: Start) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    deployment.deploy(str(first), tmp_path / "link")
    assert start(tmp_path / "real", "frog") == start(tmp_path / "link", "frog") == "1 1 1"
    assert deployment.status(tmp_path / "real", verify=True).differences == ()


def test_names_that_are_not_there(first: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no application 'toad'") as caught:
        deployment.deploy(str(first), tmp_path / "d", ["toad"])
    assert caught.value.hint == "it offers: frog, newt"
    assert not (tmp_path / "d").exists()
    deployment.deploy(str(first), tmp_path / "d", ["frog"])
    with pytest.raises(UsageError, match="there is no application 'newt'"):
        deployment.remove(tmp_path / "d", ["newt"])


@pytest.mark.parametrize("source", ["{0}/missing", "s3://bucket/x"])
def test_sources_that_are_none(source: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no folder|is not a source"):
        deployment.deploy(source.format(tmp_path), tmp_path / "d")


def test_a_folder_with_something_else_in_it_is_left_alone(first: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(DeployError, match="holds something else already"):
        deployment.deploy(str(first), tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["precious.txt"]
    with pytest.raises(DeployError, match="is not a deployment"):
        deployment.status(tmp_path)


def test_too_little_space_is_noticed_beforehand(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment.deploy(str(first), tmp_path, ["frog"])
    before = tree_state(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20, "total": 1 << 30}))
    with pytest.raises(DeployError, match=r"has 1 MiB free, and 1[678] MiB are needed"):
        deployment.deploy(str(first), tmp_path, ["newt"])
    assert tree_state(tmp_path).keys() == before.keys()


def test_a_python_that_needs_what_this_machine_lacks_is_installed_with_warnings(tmp_path: Path) -> None:
    if not this_glibc():
        pytest.skip("a system without glibc")
    entries = publish(tmp_path / "offer", [runtime(), application("counter")])
    notes = (needs_libraries(["libc.so.6", "libdl.so.2", "libfrog.so.1", "libtoad.so.1"]), needs_glibc("2.999"))
    product = entries["py"].product.model_copy(update={"notes": notes})
    entries["py"] = entries["py"].model_copy(update={"product": product})
    manifest = tmp_path / "offer" / METADATA_DIR / "venvstacks.json"
    manifest.write_text(manifest_text(entries.values()), "utf-8")
    warnings: list[str] = []
    deployment.deploy(
        str(tmp_path / "offer"), tmp_path / "place", options=deployment.DeployOptions(warn=warnings.append)
    )
    assert warnings == [
        f"py needs glibc 2.999, and this machine has {this_glibc()}: it will probably not start",
        (
            "py needs libraries of the system that were not found on this machine (libfrog.so.1, libtoad.so.1): "
            "modules that use them cannot be imported; install them, or publish a Python of the provider `standalone`"
        ),
    ]
    deployment.deploy(
        str(tmp_path / "offer"), tmp_path / "place", options=deployment.DeployOptions(warn=warnings.append)
    )
    assert len(warnings) == 2
