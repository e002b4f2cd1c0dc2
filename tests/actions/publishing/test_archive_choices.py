"""Which format, level and time archives get: command line before specification, specification before defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks.errors import UsageError
from venvstacks.loading.options import Options
from venvstacks.loading.project import load_project

RUNTIME = '[[runtimes]]\nname = "py"\npython_implementation = "cpython@3.11.7"\nrequirements = []\n'

CHOICES = {
    "nothing said": ("", Options(), ("tar.zst", None)),
    "balanced": ("", Options(compression="balanced"), ("tar.zst", None)),
    "fast": ("", Options(compression="fast"), ("tar.zst", 3)),
    "small takes the smallest format": ("", Options(compression="small"), ("tar.xz", 6)),
    "small of a named format": ("", Options(compression="small", archive_format="tar.zst"), ("tar.zst", 19)),
    "small of the specification's format": ('archive-format = "zip"', Options(compression="small"), ("zip", 9)),
    "a number": ("", Options(compression="7"), ("tar.zst", 7)),
    "a level": ("", Options(archive_level=4), ("tar.zst", 4)),
    "the specification's effort": ('compression = "fast"', Options(), ("tar.zst", 3)),
    "the specification's number": ("compression = 5", Options(), ("tar.zst", 5)),
    "the specification's level": ("archive-level = 5", Options(), ("tar.zst", 5)),
    "an effort before the specification's level": ("archive-level = 5", Options(compression="fast"), ("tar.zst", 3)),
    "a level before the specification's effort": ('compression = "fast"', Options(archive_level=9), ("tar.zst", 9)),
    "a format before the specification's": (
        'archive-format = "zip"\ncompression = "fast"', Options(archive_format="tar.gz"), ("tar.gz", 1)
    ),
}  # fmt: skip


def write(folder: Path, settings: str) -> Path:
    place = folder / "venvstacks.toml"
    place.write_text(f"[tool.venvstacks]\n{settings}\n{RUNTIME}", "utf-8")
    return place


@pytest.mark.parametrize(("settings", "options", "expected"), CHOICES.values(), ids=CHOICES)
def test_format_and_level(tmp_path: Path, settings: str, options: Options, expected: tuple[str, int | None]) -> None:
    configuration = load_project(write(tmp_path, settings), options, {}).configuration
    assert (configuration.archive_format, configuration.archive_level) == expected


@pytest.mark.parametrize(
    "options",
    [
        Options(compression="tiny"),
        Options(compression="23"),
        Options(compression="-3"),
        Options(compression="²"),
        Options(compression="3" * 5000),
        Options(compression="fast", archive_level=3),
        Options(archive_level=0),
    ],
)
def test_efforts_that_there_are_not(tmp_path: Path, options: Options) -> None:
    with pytest.raises(UsageError) as caught:
        load_project(write(tmp_path, ""), options, {})
    assert caught.value.hint


def test_the_time_comes_from_the_locks_unless_the_environment_names_one(tmp_path: Path) -> None:
    spec = write(tmp_path, "")
    assert load_project(spec, environment={}).configuration.epoch is None
    assert load_project(spec, environment={"SOURCE_DATE_EPOCH": ""}).configuration.epoch is None
    named = load_project(spec, environment={"SOURCE_DATE_EPOCH": "1700000001"})
    assert named.configuration.epoch == 1_700_000_001
    archive = named.graph.by_name["archive:py"].fingerprint
    assert archive != load_project(spec, environment={}).graph.by_name["archive:py"].fingerprint


@pytest.mark.parametrize("text", ["yesterday", "-1", "1.5", "²", str(8**11), "1" * 40 + "2" * 5000])
def test_times_that_no_archive_can_say(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=text[:40].replace(".", r"\.")):
        load_project(write(tmp_path, ""), environment={"SOURCE_DATE_EPOCH": text})


@pytest.mark.parametrize(
    ("settings", "options", "expected"),
    [
        ("", Options(), ("tar.xz", None, True)),
        ("", Options(compression="fast"), ("tar.zst", 3, False)),
        ("", Options(archive_format="zip"), ("zip", None, False)),
        ("", Options(output_dir="elsewhere"), ("tar.zst", None, False)),
        ("", Options(tag_outputs=True), ("tar.zst", None, False)),  # the tagged manifest is another file
        ('archive-format = "tar.gz"', Options(), ("tar.gz", None, False)),
        ("archive-level = 7", Options(), ("tar.zst", 7, False)),
    ],
)
def test_the_format_of_the_original_s_publications_is_kept_unless_one_is_chosen(
    tmp_path: Path, settings: str, options: Options, expected: tuple[str, int | None, bool]
) -> None:
    manifest = tmp_path / "_artifacts/__venvstacks__/venvstacks.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"layers": {"runtimes": [{"archive_name": "py.tar.xz"}]}}')
    chosen = load_project(write(tmp_path, settings), options, {}).configuration
    assert (chosen.archive_format, chosen.archive_level, chosen.kept_format) == expected
