"""What former layers have left: nothing of other people's, of other specifications, or that somebody needs."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.published_layers import application, publish, runtime
from venvstacks.actions.removed_layers import RemovedLayers, changed_since
from venvstacks.api import Options, load_project
from venvstacks.api.cleaning import clean
from venvstacks.model.layout import StackLayout
from venvstacks.records.published_json import metadata_text
from venvstacks.records.task_store import TaskStore

SPECIFICATION = '[[runtimes]]\nname = "py"\npython_implementation = "cpython@3.11.7"\nrequirements = []\n'


def write(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(b"{}")


def found(base: Path, *layers: str) -> dict[str, str]:
    """Path to reason of what is left when these layers exist."""
    search = RemovedLayers(base, StackLayout(), layers, (), datetime.now(UTC))
    return {one.place.relative_to(base).as_posix(): one.refused for one in search.leftovers()}


def test_only_what_records_name_counts(tmp_path: Path) -> None:
    state = "_build/.venvstacks"
    ours = [
        "_build/old/lib/x.py", f"{state}/build/old.json", f"{state}/link/old.json", f"{state}/logs/build-old.log",
        "_build/win_amd64/old/x.py", "_build/win_amd64/.venvstacks/build/old.json",
        "requirements/old.x/pylock.old_x.meta.json", "requirements/old.x/pylock.old_x.toml",
        "requirements/wheels/frog-1.json", f"{state}/wheels/frog-1/frog.whl",
    ]  # fmt: skip
    others = [
        "_build/py/lib/x.py", f"{state}/build/py.json", "_build/mine/x.py", f"{state}/logs/build-not-old.log",
        f"{state}/logs/notes on-old.log", "requirements/mine/requirements.txt", "requirements/py/pylock.py.meta.json",
        "_artifacts/mine.tar.zst", "_artifacts/__venvstacks__/env_metadata/py.json",
        "_artifacts/__venvstacks__/env_metadata/py-linux_x86_64.json", "_export/mine/x",
    ]  # fmt: skip
    write(tmp_path, *ours, *others)
    assert set(found(tmp_path, "py", "not-old")) == {
        "_build/old", f"{state}/build/old.json", f"{state}/link/old.json", f"{state}/logs/build-old.log",
        "_build/win_amd64/old", "_build/win_amd64/.venvstacks/build/old.json",
        "requirements/old.x", "requirements/old.x/pylock.old_x.meta.json", "requirements/old.x/pylock.old_x.toml",
        "requirements/wheels/frog-1.json", f"{state}/wheels/frog-1",
    }  # fmt: skip


def test_files_that_a_manifest_or_another_layer_names_stay(tmp_path: Path) -> None:
    folder = tmp_path / "_artifacts"
    published = publish(folder, [runtime(), application("old"), application("new")])
    for name, metadata in published.items():
        write(folder, f"__venvstacks__/env_metadata/{name}.json")
        (folder / f"__venvstacks__/env_metadata/{name}.json").write_text(metadata_text(metadata.as_json()), "utf-8")
    files = (*folder.glob("*old*"), *folder.rglob("app-old.json"))
    everything = {path.relative_to(tmp_path).as_posix() for path in files}
    reasons = found(tmp_path, "py", "app-new")
    assert reasons.keys() == everything
    assert all("publish" in why for why in reasons.values())
    manifest = folder / "__venvstacks__/venvstacks.json"
    data = json.loads(manifest.read_text("utf-8"))
    data["layers"]["applications"] = [row for row in data["layers"]["applications"] if row["layer_name"] == "app-new"]
    manifest.write_text(json.dumps(data), "utf-8")
    assert found(tmp_path, "py", "app-new") == dict.fromkeys(everything, "")
    assert found(tmp_path, "py", "app-new", "app-old") == {}


def export(base: Path, target: str) -> Path:
    """An exported layer, finished an hour ago."""
    write(base, f"_export/{target}/bin/run")
    place = base / "_export/__venvstacks__/env_metadata/app-old.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"install_target": target}), "utf-8")
    later = time.time() + 60
    os.utime(place, (later, later))
    return base / "_export" / target / "bin/run"


def test_exports_that_people_have_changed_are_refused(tmp_path: Path) -> None:
    file = export(tmp_path, "app-old")
    assert set(found(tmp_path).values()) == {""}
    cache = file.parent / "__pycache__/x.pyc"
    write(tmp_path, cache.relative_to(tmp_path).as_posix())
    later = time.time() + 120
    os.utime(cache, (later, later))
    assert set(found(tmp_path).values()) == {""}, "an application that ran has changed nothing"
    os.utime(file, (later, later))
    assert set(found(tmp_path).values()) == {"somebody has changed it since it was exported: bin/run"}


@pytest.mark.parametrize("target", ["..", "../victim", "a/b", "/", "c:x", ""])
def test_metadata_leads_to_no_other_folder(target: str, tmp_path: Path) -> None:
    place = tmp_path / "_export/__venvstacks__/env_metadata/app-old.json"
    write(tmp_path, "victim/x", "_export/a/b/x", place.relative_to(tmp_path).as_posix())
    place.write_text(json.dumps({"install_target": target}), "utf-8")
    assert found(tmp_path) == {}


def test_a_file_that_was_copied_over_with_old_times_is_a_change(tmp_path: Path) -> None:
    write(tmp_path, "x")
    os.utime(tmp_path / "x", (0, 0))
    assert changed_since(tmp_path, time.time() + 9) == ""
    assert changed_since(tmp_path, time.time() - 9) == "x"


def test_layers_of_other_specifications_stay(tmp_path: Path) -> None:
    (tmp_path / "venvstacks.toml").write_text(SPECIFICATION, "utf-8")
    (tmp_path / "other.toml").write_text(SPECIFICATION.replace('"py"', '"theirs"'), "utf-8")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", "utf-8")
    state = tmp_path / "_build/.venvstacks"
    write(tmp_path, *(f"_build/.venvstacks/build/{name}.json" for name in ("py", "theirs", "old")))
    with TaskStore(state / "state.db") as store:
        for name in ("build:py", "build:theirs", "build:old", "archive:old"):
            store.put(name, {})
    project = load_project(tmp_path / "venvstacks.toml", Options(), {"HOME": str(tmp_path)})
    planned = clean(project, dry_run=True)
    assert [one.place.name for one in planned.removed] == ["old.json"]
    assert clean(project) == planned
    assert sorted(path.stem for path in (state / "build").iterdir()) == ["py", "theirs"]
    with TaskStore(state / "state.db", writable=False) as store:
        assert sorted(store.names()) == ["build:py", "build:theirs"]
    assert clean(project).removed == ()
