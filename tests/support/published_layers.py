"""Published artifacts made by hand: tiny layers that deploy in tenths of a second, and applications that really run.

Their runtime is a script that starts the Python of the tests; the applications' Python is a script that finds the
layers next to its own by relative paths, as the real wrapper does.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from venvstacks.actions.publishing.archive_names import PACKAGES_SUFFIX, name_by_content
from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import members
from venvstacks.archives.write_archive import ArchiveRequest, write_archive
from venvstacks.digests import scan_tree
from venvstacks.linking.layer_config import LayerConfig
from venvstacks.model.conventions import LAYER_CONFIG, METADATA_DIR
from venvstacks.model.platforms import identify_platform
from venvstacks.records.file_lists import FileManifest
from venvstacks.records.package_lists import PackageList
from venvstacks.records.published_metadata import FileReference, LayerMetadata, ProductMetadata
from venvstacks.records.stack_manifest import manifest_text

SITE = "lib/python3.11/site-packages"
PLATFORM = identify_platform(sys.platform, platform.machine())
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
POSTINSTALL = (files("venvstacks._injected") / "postinstall.py").read_bytes()


@dataclass(frozen=True)
class Published:
    """A layer to be published.

    Attributes:
        name: Environment name; its prefix says which kind of layer it is.
        files: Path in the layer to content.
        links: Path to target.
        runtime: Deployed name of its runtime, None for runtimes.
        frameworks: Deployed names of its frameworks.
        target: Deployed name, if it is not `name`.
        changes: Fields of its metadata that are made wrong.
        packages: The list of its packages; None for a publication of an earlier version.
    """

    name: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    runtime: str | None = None
    frameworks: tuple[str, ...] = ()
    target: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    packages: PackageList | None = None

    @property
    def deployed(self) -> str:
        return self.target or self.name

    @property
    def kind(self) -> str:
        prefixes = {"framework-": "framework", "app-": "application"}
        return next((kind for prefix, kind in prefixes.items() if self.name.startswith(prefix)), "runtime")


def runtime(
    name: str = "py", *, text: str = "1", padding: int = 0, python: Path | str = BASE_PYTHON, version: str = ""
) -> Published:
    """A Python; `text` is what its module `river` tells, and `version` what it is said to be."""
    script = f'#!/bin/sh\nexec "{python}" -S "$@"\n'.encode()
    return Published(
        name,
        {
            "bin/python3.11": script,
            "lib/python3.11/river.py": f"NAME = {text!r}\n".encode(),
            f"{SITE}/padding.bin": bytes(range(256)) * (padding // 256),
        },
        {"bin/python": "python3.11"},
        changes={"python_implementation": f"cpython@{version}"} if version else {},
    )


def framework(name: str, below: str = "py", *, text: str = "1", over: tuple[str, ...] = ()) -> Published:
    """A framework `framework-<name>` with the module `<name>` that tells `text`."""
    content = {f"{SITE}/{name}.py": f"NAME = {text!r}\n".encode(), f"{SITE}/{name}_data.bin": b"\1\2\3" * 50_000}
    return Published(
        f"framework-{name}", content, {"bin/python": f"../../{below}/bin/python", "lib64": "lib"}, below, over
    )


def application(name: str, below: str = "py", *, uses: tuple[str, ...] = (), text: str = "1") -> Published:
    """An application that prints its own text and those of its frameworks and its runtime."""
    folders = ":".join(f"$here/../../framework-{used}/{SITE}" for used in uses)
    python = (
        '#!/bin/sh\nhere=$(dirname "$0")\n'
        f'PYTHONPATH="$here/../{SITE}:{folders}:$here/../../{below}/lib/python3.11"\nexport PYTHONPATH\n'
        f'exec "$here/../../{below}/bin/python3.11" "$@"\n'
    )
    words = "".join(f", {used}.NAME" for used in uses)
    imports = "".join(f"import {used}\n" for used in uses)
    module = f"import sys\nimport river\n{imports}print({text!r}{words}, river.NAME, *sys.argv[1:])\n"
    content = {"bin/python": python.encode(), f"{SITE}/{name}.py": module.encode()}
    return Published(f"app-{name}", content, {}, below, tuple(f"framework-{used}" for used in uses))


def publish(
    folder: Path,
    layers: Iterable[Published],
    *,
    tag: str | None = None,
    packing: str = "tar.zst",
    release: str | None = None,
) -> dict[str, LayerMetadata]:
    """Write archives, per-file manifests and the manifest of all these layers into `folder`; metadata by name."""
    entries = [_publish_layer(folder, layer, packing) for layer in layers]
    place = folder / METADATA_DIR / f"venvstacks{f'-{tag}' if tag else ''}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(manifest_text(entries, release), encoding="utf-8")
    return {entry.layer_name: entry for entry in entries}


def contents_of(layer: Published, tree: Path) -> Contents:
    """A layer's tree on disk, with what its archive holds."""
    write_tree(layer, tree)
    return Contents(members(scan_tree(tree), layer.deployed, added={"postinstall.py": POSTINSTALL}), tree)


def _publish_layer(folder: Path, layer: Published, packing: str) -> LayerMetadata:
    contents = contents_of(layer, folder / ".trees" / layer.name)
    name = f"{layer.deployed}.{packing}"
    written = write_archive(ArchiveRequest(contents, folder / name, 1_700_000_000, packing, 3))
    listed = FileManifest.of(contents.members).packed()
    (folder / f"{name}.files.json.gz").write_bytes(listed)
    product = ProductMetadata(
        kind=layer.kind,
        content_digest="",
        inputs_digest="",
        file_count=len(contents.members),
        uncompressed_size=contents.size,
        tools={},
        file_manifest=FileReference.of(f"{name}.files.json.gz", listed),
        package_list=_write_packages(folder, layer),
    )
    launch = layer.name.removeprefix("app-") if layer.kind == "application" else None
    facts: dict[str, Any] = {
        "layer_name": layer.name,
        "install_target": layer.deployed,
        "requirements_hash": "",
        "lock_version": 1,
        "locked_at": "2023-11-14T22:13:20+00:00",
        "python_implementation": "cpython@3.11.7",
        "bound_to_implementation": layer.runtime is None,
        "runtime_layer": layer.runtime or layer.deployed,
        "required_layers": layer.frameworks if layer.runtime else None,
        "app_launch_module": launch,
        "archive_name": name,
        "archive_build": 1,
        "archive_size": written.size,
        "archive_hashes": {"sha256": written.sha256},
        "target_platform": PLATFORM.name if PLATFORM else None,
        "product": product,
    }
    return LayerMetadata(**{**facts, **layer.changes})


def _write_packages(folder: Path, layer: Published) -> FileReference | None:
    if layer.packages is None:
        return None
    packed = layer.packages.packed()
    name = name_by_content(layer.deployed, None, packed, PACKAGES_SUFFIX)
    (folder / name).write_bytes(packed)
    return FileReference.of(name, packed)


def write_tree(layer: Published, tree: Path) -> None:
    """Write a layer's files and links into a folder, over those that are there."""
    for path, content in ({LAYER_CONFIG: config_text(layer).encode()} | dict(layer.files)).items():
        place = tree / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755 if path.startswith("bin/") else 0o644)
    for path, target in layer.links.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).unlink(missing_ok=True)
        (tree / path).symlink_to(target)


def config_text(layer: Published) -> str:
    """The description that a layer gets if its files hold none."""
    if layer.runtime is None:
        return LayerConfig("bin/python", "3.11.7", "bin/python", SITE).text
    below = tuple(f"../{name}/{SITE}" for name in (*layer.frameworks, layer.runtime))
    launch = layer.name.removeprefix("app-") if layer.kind == "application" else None
    return LayerConfig(
        "bin/python",
        "3.11.7",
        f"../{layer.runtime}/bin/python3.11",
        SITE,
        below,
        (),
        launch,
    ).text
