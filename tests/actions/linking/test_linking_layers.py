"""Linking layers of handmade files, without a Python: what is written, noted and refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.capabilities import needs_symbolic_links
from tests.support.locked_layers import framework, runtime, tools_for
from venvstacks.actions.linking.link import link_layer
from venvstacks.actions.linking.link_request import LinkRequest
from venvstacks.digests import scan_tree
from venvstacks.errors import LinkError
from venvstacks.linking.linkage import Linkage
from venvstacks.model.layout import EnvironmentLayout, StackLayout
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.stack import Layer
from venvstacks.records.tree_records import BuildRecord, LinkRecord
from venvstacks.tools.files import write_atomically

LINUX = PLATFORMS["linux_x86_64"]
PY = runtime("py", targets=["linux_x86_64"])
SITE = EnvironmentLayout.of(PY, LINUX).site_dir
NEEDS_FROG = {f"{SITE}/newt.abi3.so": Linkage(("libfrog.so.1",))}


def environment(
    base: Path, layer: Layer, files: Mapping[str, str], compiled: Mapping[str, Linkage] | None = None
) -> Path:
    """A built environment with `files`, one distribution that lists all of them, and its record."""
    folder = base / StackLayout().environment(layer)
    listed = {**files, f"{SITE}/{layer.name}-1.dist-info/RECORD": ""}
    up = "../" * (SITE.count("/") + 1)
    listed[f"{SITE}/{layer.name}-1.dist-info/RECORD"] = "".join(f"{up}{path},,\n" for path in listed)
    for path, content in {**listed, "bin/python3.11": "", "bin/python": ""}.items():
        write_atomically(folder / path, content)
    record = BuildRecord(env_name=layer.env_name, entries=scan_tree(folder), compiled=dict(compiled or {}))
    write_atomically(base / StackLayout().record("build", layer), record.text())
    return folder


def link(base: Path, *layers: Layer) -> str:
    """Link layers from the lowest up; the notes in the log of the last one."""
    for layer in layers:
        log = base / f"{layer.env_name}.log"
        log.unlink(missing_ok=True)
        link_one(base, layer)
    return log.read_text("utf-8") if log.exists() else ""


def link_one(base: Path, layer: Layer) -> dict[str, object]:
    """Link a layer; what the task returns."""
    request = LinkRequest(layer, LINUX, StackLayout(), base, base / f"{layer.env_name}.log")
    return link_layer(request, tools_for(base))


def overlay(folder: Path) -> dict[str, str]:
    place = folder / "share/venv/metadata/venvstacks_overlay.json"
    return dict(json.loads(place.read_text("utf-8"))["links"]) if place.exists() else {}


def stack(base: Path, **options: Any) -> tuple[Layer, Layer, Path]:
    """A framework with two different libraries of one name, and a layer above it that is linked later."""
    low = framework("low", [], PY)
    app = framework("app", [], low, PY, kind="application", **options)
    environment(base, PY, {})
    low_files = {f"{SITE}/a/libfrog.so.1": "one", f"{SITE}/b/libfrog.so.1": "other", f"{SITE}/a/libleg.so.1": "leg"}
    environment(base, low, low_files)
    return low, app, base / StackLayout().environment(app)


@needs_symbolic_links
def test_different_libraries_of_one_name_are_left_out_and_noted(tmp_path: Path) -> None:
    low, app, folder = stack(tmp_path)
    environment(tmp_path, app, {f"{SITE}/newt.py": ""})
    notes = link(tmp_path, PY, low)
    assert f"libfrog.so.1 is not in share/venv/dynlib: there are different libraries of that name: {SITE}/a/" in notes
    names = {path.name for path in (tmp_path / "_build/framework-low/share/venv/dynlib").iterdir()}
    assert names == {"libleg.so.1"}
    link(tmp_path, app)
    assert (folder / "bin/python").readlink() == Path("python3.11")


def test_they_are_a_fault_where_a_layer_needs_that_name(tmp_path: Path) -> None:
    low, app, _ = stack(tmp_path)
    environment(tmp_path, app, {f"{SITE}/newt.abi3.so": "x"}, NEEDS_FROG)
    link(tmp_path, PY, low)
    with pytest.raises(
        LinkError, match=r"layer 'app' needs libfrog\.so\.1, of which layer 'low' holds different"
    ) as caught:
        link(tmp_path, app)
    assert 'dynlib_exclude = ["b/libfrog.so.1"]' in str(caught.value.hint)


@needs_symbolic_links
def test_a_layer_that_asks_for_all_names_gets_those_that_are_unambiguous(tmp_path: Path) -> None:
    low, app, folder = stack(tmp_path, dynlib_path=True)
    environment(tmp_path, app, {f"{SITE}/newt.py": ""})
    link(tmp_path, PY, low, app)
    assert overlay(folder) == {"share/venv/dynlib-path/libleg.so.1": f"../framework-low/{SITE}/a/libleg.so.1"}
    assert not (folder / "bin/python").is_symlink()
    assert (folder / "bin/python").read_text("utf-8").startswith("#!/bin/sh\n")
    assert (folder / "bin/python3.11").readlink() == Path("python")
    assert (folder / "libexec/python3.11").readlink() == Path("../../py/bin/python3.11")
    assert (folder / "bin/python_").readlink() == Path("../../py/bin/python3.11")
    config = json.loads((folder / "share/venv/metadata/venvstacks_layer.json").read_text("utf-8"))
    assert config["dynlib_path"] == "share/venv/dynlib-path"


@needs_symbolic_links
def test_embedders_find_what_the_original_writes_in_layers_without_libraries_too(tmp_path: Path) -> None:
    low = framework("low", [], PY)
    app = framework("app", [], low, PY, kind="application")
    *_, folder = [environment(tmp_path, layer, {f"{SITE}/newt.py": ""}) for layer in (PY, low, app)]
    link(tmp_path, PY, low, app)
    config = json.loads((folder / "share/venv/metadata/venvstacks_layer.json").read_text("utf-8"))
    assert config["dynlib_dirs"] == ["../framework-low/share/venv/dynlib", "../py/share/venv/dynlib"]
    assert not (tmp_path / "_build/framework-low/share/venv/dynlib").exists()
    assert (folder / "bin/python_").readlink() == Path("python")


def test_linking_again_removes_what_is_no_longer_borrowed(tmp_path: Path) -> None:
    low, app, folder = stack(tmp_path)
    environment(tmp_path, low, {"share/pond/a": "1", "share/pond/b": "2"})
    environment(tmp_path, app, {f"{SITE}/newt.py": ""})
    link(tmp_path, PY, low, app)
    assert (folder / "share/pond/a").read_text("utf-8") == "1"
    (tmp_path / "_build/framework-low/share/pond/a").unlink()
    environment(tmp_path, low, {"share/pond/b": "2"})
    link(tmp_path, low, app)
    assert {path.name for path in (folder / "share/pond").iterdir()} == {"b"}


def test_a_damaged_list_of_links_does_not_stop_linking(tmp_path: Path) -> None:
    low, app, folder = stack(tmp_path)
    environment(tmp_path, low, {"share/pond/a": "1"})
    environment(tmp_path, app, {f"{SITE}/newt.py": ""})
    link(tmp_path, PY, low, app)
    (folder / "share/venv/metadata/venvstacks_overlay.json").write_text("{", "utf-8")
    link(tmp_path, app)
    assert overlay(folder) == {"share/pond/a": "../framework-low/share/pond/a"}


def test_nothing_that_leads_into_another_layer_s_packages_is_shipped(tmp_path: Path) -> None:
    low, app, _ = stack(tmp_path)
    environment(tmp_path, low, {"share/pond/a": "1", "bin/tool": "2"})
    environment(tmp_path, app, {f"{SITE}/newt.py": ""})
    link(tmp_path, PY, low, app)
    record = LinkRecord.load(tmp_path / StackLayout().record("link", app))
    outside = [entry for entry in record.entries if entry.target and entry.target.startswith("../../")]
    assert [entry.path for entry in outside] == ["bin/python3.11"]
    assert not any(entry.path.startswith(("share/pond", "bin/tool")) for entry in record.entries)


def test_contradicting_packages_are_refused_with_both_names(tmp_path: Path) -> None:
    low, app, _ = stack(tmp_path)
    environment(tmp_path, low, {f"{SITE}/shared/__init__.py": "one"})
    environment(tmp_path, app, {f"{SITE}/shared/__init__.py": "other", f"{SITE}/shared/extra.py": ""})
    with pytest.raises(LinkError, match="contradict each other") as caught:
        link(tmp_path, PY, low, app)
    assert "shared/__init__.py of app in layer 'app-app' is not that of low in layer 'framework-low'" in str(
        caught.value
    )


def test_packages_that_extend_their_path_are_completed_whichever_layer_s_init_comes_first(tmp_path: Path) -> None:
    low, app, folder = stack(tmp_path)
    extending = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    environment(tmp_path, low, {f"{SITE}/qt/__init__.py": extending, f"{SITE}/qt/core.abi3.so": "", f"{SITE}/qt/x": ""})
    environment(tmp_path, app, {f"{SITE}/qt/__init__.py": f"# its own\n{extending}", f"{SITE}/qt/web.abi3.so": ""})
    link(tmp_path, PY, low, app)
    assert {path.removeprefix(f"{SITE}/qt/") for path in overlay(folder)} == {"core.abi3.so", "x"}
    environment(tmp_path, low, {f"{SITE}/qt/__init__.py": "", f"{SITE}/qt/core.abi3.so": ""})
    with pytest.raises(LinkError, match="contradict each other"):
        link(tmp_path, low, app)


def test_a_version_that_imports_do_not_find_is_said_once_where_both_meet(tmp_path: Path) -> None:
    left, right = framework("left", [], PY), framework("right", [], PY)
    both = framework("both", [], left, right, PY)
    app = framework("app", [], both, left, right, PY, kind="application")
    for layer in (PY, both, app):
        environment(tmp_path, layer, {})
    for layer, version in ((left, "1.0"), (right, "2.0")):
        environment(tmp_path, layer, {f"{SITE}/frog.py": "", f"{SITE}/frog-{version}.dist-info/METADATA": ""})
    assert [link_one(tmp_path, layer).get("notes") for layer in (PY, left, right)] == [None] * 3
    sentence = (
        "in layer 'framework-both', imports find frog 1.0 of layer 'framework-left', and so does layer "
        "'framework-right', which was locked with frog 2.0; require one version in both"
    )
    assert link_one(tmp_path, both)["notes"] == [sentence]
    assert "notes" not in link_one(tmp_path, app)


def test_a_pth_file_that_runs_too_early_is_noted(tmp_path: Path) -> None:
    low, app, _ = stack(tmp_path)
    environment(tmp_path, app, {f"{SITE}/!early.pth": ""})
    assert "!early.pth runs before the packages of the layers below" in link(tmp_path, PY, low, app)
