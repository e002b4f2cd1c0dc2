"""The layers in the manifest of a publication, as far as deploying needs them."""

from __future__ import annotations

from typing import Any

from venvstacks.deployment.offers import OfferedDelta, OfferedFile, OfferedLayer
from venvstacks.deployment.release_order import LONGEST, NORMAL_FORM
from venvstacks.errors import DeployError
from venvstacks.json_forms import FormError, array, check_extent, mapping, one_of, optional, parse, table, text, whole
from venvstacks.model.conventions import MANIFEST_VALUES, MOST_LAYERS, PACKED_LIMIT

PUBLISH_AGAIN = "publish again with this version of venvstacks, or fetch the files again"

_HALF_BLOCK = 2048  # unused bytes of a file's last block, on average


def read_layers(content: bytes, name: str) -> tuple[tuple[OfferedLayer, ...], str | None]:
    """The layers of a manifest, and the release of the publication.

    Args:
        content: The manifest.
        name: Where it is, for messages.

    Raises:
        DeployError: It is not a valid manifest, or does not say what deploying needs.
    """
    try:
        check_extent(content, MANIFEST_VALUES)
        found = parse(content, _MANIFEST)
    except ValueError as error:
        raise DeployError(f"{name} is not a manifest: {error}", hint=PUBLISH_AGAIN) from error
    entries = (entry for group in _GROUPS for entry in found["layers"].get(group, ()))
    return tuple(_layer(entry, name) for entry in entries), found.get("venvstacks", {}).get("release")


def _layer(entry: dict[str, Any], name: str) -> OfferedLayer:
    product = entry["venvstacks"]
    listed, digest = product.get("file_manifest"), (entry.get("archive_hashes") or {}).get("sha256")
    archive_name, archive_size = entry.get("archive_name"), entry.get("archive_size")
    if listed is None or digest is None or archive_name is None or archive_size is None:
        raise DeployError(
            f"{name}: layer '{entry['layer_name']}' was published without the digests that deploying needs",
            hint=PUBLISH_AGAIN,
        )
    if listed["size"] > PACKED_LIMIT:
        raise DeployError(
            f"{name}: the list of files {listed['name']} has {listed['size']} bytes, and may have {PACKED_LIMIT}",
            hint=PUBLISH_AGAIN,
        )
    return OfferedLayer(
        name=entry["layer_name"],
        target=entry["install_target"],
        kind=product["kind"],
        python=entry["python_implementation"],
        platform=entry.get("target_platform") or "no platform",
        lock_version=entry["lock_version"],
        archive=OfferedFile(archive_name, archive_size, digest),
        files=_file(listed),
        disk_size=product["uncompressed_size"] + product["file_count"] * _HALF_BLOCK,
        runtime=None if product["kind"] == "runtime" else entry.get("runtime_layer"),  # a runtime's has its own name
        frameworks=entry.get("required_layers") or (),
        launch_module=entry.get("app_launch_module"),
        deltas=tuple(
            OfferedDelta(_file(delta), delta["from_files"], delta["to_files"]) for delta in product.get("deltas") or ()
        ),
        notes=product.get("notes") or (),
    )


def _file(data: dict[str, Any]) -> OfferedFile:
    return OfferedFile(data["name"], data["size"], data["sha256"])


def _release(value: object) -> str:
    if not NORMAL_FORM.fullmatch(text(value)) or len(text(value)) > LONGEST:
        raise FormError("must be a version in the normal form of PEP 440")
    return text(value)


_GROUPS = ("runtimes", "frameworks", "applications")
_SIZE = whole(0, (1 << 63) - 1)
_FILE = {"name": text, "size": _SIZE, "sha256": text}
_DELTA = {**_FILE, "from_files": text, "to_files": text}
_PRODUCT = table(
    {
        "kind": one_of("runtime", "framework", "application"),
        "file_count": _SIZE,
        "uncompressed_size": _SIZE,
        "notes": optional(array(text)),
        "file_manifest": optional(table(_FILE, _FILE, ignore_unknown=True)),
        "deltas": optional(array(table(_DELTA, _DELTA, ignore_unknown=True))),
    },
    ("kind", "file_count", "uncompressed_size"),
    ignore_unknown=True,
)
_LAYER = table(
    {
        "layer_name": text,
        "install_target": text,
        "python_implementation": text,
        "lock_version": whole(),
        "venvstacks": _PRODUCT,
        "runtime_layer": optional(text),
        "required_layers": optional(array(text)),
        "app_launch_module": optional(text),
        "archive_name": optional(text),
        "archive_size": optional(_SIZE),
        "archive_hashes": optional(mapping(text)),
        "target_platform": optional(text),
    },
    ("layer_name", "install_target", "python_implementation", "lock_version", "venvstacks"),
    ignore_unknown=True,
)


def _layers(value: object) -> dict[str, Any]:
    found = table(dict.fromkeys(_GROUPS, array(_LAYER)), (), ignore_unknown=True)(value)
    if sum(map(len, found.values())) > MOST_LAYERS:
        raise FormError(f"it lists more than {MOST_LAYERS} layers")
    return found


_MANIFEST = table(
    {
        "layers": _layers,
        "venvstacks": table({"release": optional(_release)}, (), ignore_unknown=True),
    },
    ("layers",),
    ignore_unknown=True,
)
