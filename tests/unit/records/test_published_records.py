from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from venvstacks.records.published_json import metadata_text
from venvstacks.records.published_metadata import LayerMetadata, ProductMetadata, SupportModule, read_metadata
from venvstacks.records.stack_manifest import manifest_text, wanted_manifest

PRODUCT = {
    "kind": "framework", "content_digest": "c" * 8, "inputs_digest": "i" * 8, "file_count": 2, "uncompressed_size": 30,
    "tools": {"uv": "0.13.8"},
}  # fmt: skip


def metadata(name: str = "base", **changes: Any) -> LayerMetadata:
    product = ProductMetadata.model_validate({**PRODUCT, **changes.pop("product", {})})
    return LayerMetadata(
        layer_name=name, install_target=f"framework-{name}", requirements_hash="sha256:0", lock_version=1,
        locked_at="2026-01-01T00:00:00+00:00", python_implementation="cpython@3.11.7", bound_to_implementation=False,
        runtime_layer="py", required_layers=(), product=product, **changes,
    )  # fmt: skip


EXPECTED = """\
{
  "bound_to_implementation": false,
  "install_target": "framework-🐸",
  "layer_name": "🐸",
  "lock_version": 1,
  "locked_at": "2026-01-01T00:00:00+00:00",
  "python_implementation": "cpython@3.11.7",
  "required_layers": [],
  "requirements_hash": "sha256:0",
  "runtime_layer": "py",
  "venvstacks": {
    "content_digest": "cccccccc",
    "file_count": 2,
    "inputs_digest": "iiiiiiii",
    "kind": "framework",
    "notes": [],
    "tools": {
      "uv": "0.13.8"
    },
    "uncompressed_size": 30
  }
}
"""


def test_metadata_is_written_in_one_way() -> None:
    assert metadata_text(metadata("🐸").as_json()) == EXPECTED


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    written = metadata(
        archive_name="framework-base.tar.zst", archive_build=2, archive_size=5, archive_hashes={"sha256": "0"},
        target_platform="linux_x86_64", app_support_modules=(SupportModule(name="m", hash="sha256:1"),),
    )  # fmt: skip
    (tmp_path / "x.json").write_text(metadata_text(written.as_json()), "utf-8")
    assert read_metadata(tmp_path / "x.json") == written


@pytest.mark.parametrize("content", [None, "", "{}", "[]", "{", '{"layer_name": 7}'])
def test_what_this_program_could_not_have_written_is_no_metadata(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    assert read_metadata(tmp_path / "x.json") is None


def test_keys_of_later_versions_do_not_hurt(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(metadata_text(metadata().as_json() | {"later": 1}))
    assert read_metadata(tmp_path / "x.json") == metadata()


def test_a_manifest_groups_layers_by_kind_and_keeps_their_order(tmp_path: Path) -> None:
    import json  # noqa: PLC0415

    layers = [metadata("z"), metadata("py", product={"kind": "runtime"}), metadata("a")]
    listed = json.loads(manifest_text(layers))["layers"]
    assert {group: [entry["layer_name"] for entry in entries] for group, entries in listed.items()} == {
        "runtimes": ["py"], "frameworks": ["z", "a"], "applications": [],
    }  # fmt: skip
    files = []
    for layer in layers:
        files.append(tmp_path / f"{layer.layer_name}.json")
        files[-1].write_text(metadata_text(layer.as_json()))
    assert wanted_manifest([*files, tmp_path / "not there"]) == manifest_text(layers)


def test_a_manifest_of_nothing_has_all_groups() -> None:
    assert manifest_text([]) == (
        '{\n  "layers": {\n    "applications": [],\n    "frameworks": [],\n    "runtimes": []\n  }\n}\n'
    )
