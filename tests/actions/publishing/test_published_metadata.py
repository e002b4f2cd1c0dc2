"""The published metadata, to the letter, from handmade records."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.locked_layers import framework, runtime
from venvstacks.actions.publishing.export import ExportOptions, export_layer
from venvstacks.actions.publishing.layer_metadata import PublishedLayer
from venvstacks.actions.publishing.manifests import write_manifest
from venvstacks.actions.publishing.publish import ArchiveOptions, archive_layer
from venvstacks.actions.toolset import Tools
from venvstacks.digests import scan_tree
from venvstacks.errors import PublishError
from venvstacks.linking.layer_config import LayerPaths, layered_config
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.model.layout import StackLayout
from venvstacks.model.platforms import PLATFORMS, TargetPlatform
from venvstacks.model.runtime_needs import needs_glibc, needs_libraries
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.stack import Layer
from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import Description, LayerMetadata, read_metadata
from venvstacks.records.stack_manifest import StackManifest, described_digest, manifest_text
from venvstacks.records.tree_records import BuildRecord, LinkRecord, RuntimeRecord, SourceHash
from venvstacks.tools.files import write_atomically

LINUX = PLATFORMS["linux_x86_64"]
BASE = runtime("py")
LOWER = framework("pond", ["pond"], BASE, versioned=True)
APP = framework(
    "hop", [], LOWER, BASE, kind="application",
    launch=SourceTree("launch/hop", is_package=True, files=("__init__.py", "__main__.py")),
    support=(SourceTree("legs.py", is_package=False, files=("",)),),
)  # fmt: skip
LAYOUT = StackLayout()
SITE = "lib/python3.11/site-packages"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder in which three layers look linked."""
    for number, layer in enumerate((BASE, LOWER, APP), start=1):
        put(tmp_path, layer, version=number)
    record = RuntimeRecord(
        python="cpython@3.11.7", provider="host", build="3.11.7 at 🐸", digest="d" * 64, notes=("libc",)
    )
    write_atomically(tmp_path / LAYOUT.record("runtime", BASE), record.text())
    return tmp_path


def put(base: Path, layer: Layer, version: int, content: str = "frog\n") -> None:
    environment = base / LAYOUT.environment(layer)
    write_atomically(environment / "lib/frog.txt", content)
    for source in layer.sources:
        for name in source.files:
            write_atomically(environment / SITE / Path(source.path).name / name, f"# {name}\n")
    name = layer.deployed_name(version)
    modules = [SourceHash(name=source.module, hash=f"sha256:{'c' * 64}") for source in layer.sources]
    built = BuildRecord(
        env_name=layer.env_name, entries=(), launch_module=modules[0] if modules else None,
        support_modules=tuple(modules[1:]),
    )  # fmt: skip
    record = LinkRecord.of(built, name, scan_tree(environment))
    write_atomically(base / LAYOUT.record("link", layer), record.text())
    lock = {
        "requirements_hash": f"sha256:{'a' * 64}", "lock_input_hash": f"sha256:{'b' * 64}",
        "other_inputs_hash": f"sha256:{'b' * 64}", "version_inputs_hash": f"sha256:{'b' * 64}",
        "lock_version": version, "locked_at": "2025-10-20T12:00:00+00:00",
    }  # fmt: skip
    write_atomically(base / LAYOUT.lock_metadata(layer), json.dumps(lock))


def published(base: Path, layer: Layer, platform: TargetPlatform = LINUX) -> PublishedLayer:
    return PublishedLayer(layer, platform, LAYOUT, base, {"venvstacks": "1", "zstandard": "0"})


def tools(base: Path) -> Tools:
    return Tools(environment={}, cache=base / "cache")


@pytest.mark.parametrize("layer", [BASE, LOWER, APP], ids=lambda layer: layer.env_name)
def test_metadata_is_what_the_format_says(base: Path, layer: Layer, check_golden: Callable[[str, str], None]) -> None:
    check_golden(f"metadata/{layer.env_name}.json", metadata_text(published(base, layer).metadata().as_json()))


def test_every_layer_is_bound_to_its_python_on_windows(base: Path) -> None:
    windows = published(base, APP, PLATFORMS["win_amd64"])
    assert windows.metadata().bound_to_implementation
    assert not published(base, APP).metadata().bound_to_implementation


def test_an_archive_s_fields_are_added(base: Path) -> None:
    archive_layer(published(base, APP), ArchiveOptions("tar.gz"), tools(base))
    text = (base / LAYOUT.published_metadata(LAYOUT.artifacts, APP, None)).read_text("utf-8")
    entry = json.loads(text)
    assert text == metadata_text(entry)
    added = entry.keys() - published(base, APP).metadata().as_json().keys()
    assert added == {"archive_name", "archive_build", "archive_size", "archive_hashes", "target_platform"}
    assert (entry["archive_name"], entry["target_platform"]) == ("app-hop.tar.gz", "linux_x86_64")


def builds(base: Path, settings: ArchiveOptions) -> tuple[object, int | None]:
    done = archive_layer(published(base, APP), settings, tools(base))
    tag = LINUX.name if settings.tagged else None
    metadata = read_metadata(base / LAYOUT.published_metadata(LAYOUT.artifacts, APP, tag))
    assert metadata is not None
    return done["written"], metadata.archive_build


@pytest.mark.parametrize("tagged", [False, True])
def test_build_numbers_rise_with_the_bytes(base: Path, *, tagged: bool) -> None:
    settings, force = ArchiveOptions("tar.gz", tagged=tagged), ArchiveOptions("tar.gz", tagged=tagged, force=True)
    assert builds(base, settings) == (True, 1)
    assert builds(base, settings) == (False, 1)
    assert builds(base, force) == (True, 1)
    put(base, APP, version=1, content="newt\n")
    assert builds(base, settings) == (True, 2)
    names = sorted(path.name for path in (base / "_artifacts").glob("*.tar.gz"))
    if tagged:
        assert names == ["app-hop-linux_x86_64-1.tar.gz", "app-hop-linux_x86_64-2.tar.gz"]
    else:
        assert len(names) == 2
        assert re.fullmatch(r"app-hop-[0-9a-f]{12}\.tar\.gz", names[0])
        assert names[1] == "app-hop.tar.gz"


def test_platforms_do_not_replace_each_other(base: Path) -> None:
    archive_layer(published(base, APP), ArchiveOptions("tar.gz"), tools(base))
    place = base / LAYOUT.published_metadata(LAYOUT.artifacts, APP, None)
    text = place.read_text("utf-8").replace('"linux_x86_64"', '"win_amd64"')
    place.write_text(text, "utf-8")
    with pytest.raises(PublishError, match="_artifacts holds layers for win_amd64") as caught:
        archive_layer(published(base, APP), ArchiveOptions("tar.gz", force=True), tools(base))
    assert "--tag-outputs" in (caught.value.hint or "")
    assert place.read_text("utf-8") == text
    archive_layer(published(base, APP), ArchiveOptions("tar.gz", tagged=True), tools(base))
    assert place.read_text("utf-8") == text, "next to each other"


def test_numbers_begin_again_with_another_deployed_name(base: Path) -> None:
    for version, content in ((2, "frog\n"), (2, "newt\n"), (3, "newt\n")):
        put(base, LOWER, version, content)
        archive_layer(published(base, LOWER), ArchiveOptions("tar.gz"), tools(base))
    metadata = read_metadata(base / LAYOUT.published_metadata(LAYOUT.artifacts, LOWER, None))
    assert metadata is not None
    assert (metadata.archive_build, metadata.archive_name) == (1, "framework-pond@3.tar.gz")


def test_the_python_that_publishes_changes_nothing(base: Path) -> None:
    texts = set()
    for python in ("3.11.7", "3.14.0"):
        versions = {"venvstacks": "1", "uv": "2", "zlib": "3", "python": python}
        layer = PublishedLayer(APP, LINUX, LAYOUT, base, versions)
        archive_layer(layer, ArchiveOptions("tar.gz", force=True), tools(base))
        texts.add((base / LAYOUT.published_metadata(LAYOUT.artifacts, APP, None)).read_text("utf-8"))
    assert len(texts) == 1
    (text,) = texts
    assert json.loads(text)["venvstacks"]["tools"] == {"venvstacks": "1", "uv": "2", "zlib": "3"}


def test_a_manifest_lists_what_is_there(base: Path, check_golden: Callable[[str, str], None]) -> None:
    places = [base / LAYOUT.published_metadata(LAYOUT.export, layer, None) for layer in (BASE, LOWER, APP)]
    for layer, place in zip((BASE, LOWER), places, strict=False):
        write_atomically(place, metadata_text(published(base, layer).metadata().as_json()))
    manifest = base / LAYOUT.stack_manifest(LAYOUT.export, None)
    assert write_manifest(places, manifest) == {"written": True}
    assert write_manifest(places, manifest) == {"written": False}
    check_golden("metadata/manifest.json", manifest.read_text("utf-8"))


def test_a_failed_export_says_nothing_of_itself_and_remembers_its_predecessor(base: Path) -> None:
    place = base / LAYOUT.published_metadata(LAYOUT.export, LOWER, None)
    earlier = published(base, LOWER).metadata().model_copy(update={"install_target": "framework-pond@1"})
    write_atomically(place, metadata_text(earlier.as_json()))
    write_atomically(base / "_export/framework-pond@1/frog.txt", "old")
    for _ in range(2):
        with pytest.raises(PublishError, match=r"venvstacks_layer\.json"):  # the layer does not say what it needs
            export_layer(published(base, LOWER), ExportOptions(), base / "log", tools(base))
        assert not place.exists()
    own, runtime_ = LayerPaths("framework-pond@2", "bin/python", "lib"), LayerPaths("py", "bin/python", "lib")
    config = layered_config(own, "3.11.7", runtime=runtime_)
    write_atomically(base / LAYOUT.environment(LOWER) / LAYER_CONFIG, config.text)
    put(base, LOWER, version=2)
    export_layer(published(base, LOWER), ExportOptions(), base / "log", tools(base))
    assert read_metadata(place) == published(base, LOWER).metadata()
    assert {path.name for path in (base / "_export").iterdir()} == {"__venvstacks__", "framework-pond@2"}


def test_a_python_that_needs_a_newer_system_than_is_promised_is_published_with_a_warning(base: Path) -> None:
    assert "warnings" not in archive_layer(published(base, BASE), ArchiveOptions("tar.gz"), tools(base))
    record = RuntimeRecord(
        python="cpython@3.11.7",
        provider="host",
        build="host",
        digest="d" * 64,
        notes=(needs_glibc("2.99"), needs_libraries(["libfrog.so.1", "libz.so.1"])),
    )
    write_atomically(base / LAYOUT.record("runtime", BASE), record.text())
    newer, lacking = archive_layer(published(base, BASE), ArchiveOptions("tar.gz"), tools(base))["warnings"]
    assert newer.startswith("layer 'py': its Python needs glibc 2.99, and the layer is meant for 2.28 on")
    assert "libraries of the system that not every machine has (libfrog.so.1): take the provider" in lacking


def test_descriptions_of_something_else_are_not_in_the_manifest(base: Path) -> None:
    for layer in (BASE, LOWER, APP):
        archive_layer(published(base, layer), ArchiveOptions("tar.gz"), tools(base))
    places = [base / LAYOUT.published_metadata(LAYOUT.artifacts, layer, None) for layer in (BASE, LOWER, APP)]
    entries = {entry.install_target: entry for place in places if (entry := read_metadata(place))}

    def described(about: dict[str, LayerMetadata]) -> dict[str, bool]:
        with_bills = []
        for entry in entries.values():
            bill = Description(name="x.cdx.json", size=1, sha256="a" * 64, about=described_digest(entry, about))
            with_bills.append(entry.model_copy(update={"product": entry.product.model_copy(update={"bill": bill})}))
        found = StackManifest.parse(manifest_text(with_bills).encode()).entries
        assert all("x.cdx.json" in one.published_files[-1].name for one in found if one.product.bill)
        return {one.layer_name: one.product.bill is not None for one in found}

    assert described(entries) == {"py": True, "framework-pond": True, "app-hop": True}
    lower = entries["framework-pond@2"].model_copy(update={"archive_hashes": {"sha256": "0" * 64}})
    assert described(entries | {"framework-pond@2": lower}) == {"py": True, "framework-pond": False, "app-hop": False}
