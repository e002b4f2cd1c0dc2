"""Generated stacks are what their name says, and something that this product takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.generated import write_generated
from venvstacks import load_project

SPEC = "venvstacks.toml"


@pytest.mark.parametrize("layers", [10, 50])
def test_a_generated_stack_has_so_many_layers_and_a_wheel_for_each(layers: int, tmp_path: Path) -> None:
    write_generated(layers, tmp_path, SPEC, "host")
    stack = load_project(tmp_path / SPEC).stack
    assert len(stack.layers) == layers
    packages = {f"bench_{layer.name}" for layer in stack.layers if layer.name != "py"} | {"bench_base"}
    assert {wheel.name.partition("-")[0] for wheel in (tmp_path / "wheels").iterdir()} == packages


def test_some_frameworks_stand_on_others(tmp_path: Path) -> None:
    write_generated(50, tmp_path, SPEC, "host")
    layers = load_project(tmp_path / SPEC).stack.layers
    depths = {len(layer.below) for layer in layers if layer.kind == "framework"}
    assert depths == {1, 2}


def test_two_writings_are_the_same_bytes(tmp_path: Path) -> None:
    trees = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        write_generated(10, tmp_path / name, SPEC, "host")
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        trees.append([(path.relative_to(tmp_path / name), path.read_bytes()) for path in files])
    assert trees[0] == trees[1]
