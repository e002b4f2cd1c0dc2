"""What counts as a module's file, held against `git ls-files` itself."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from venvstacks.tools.ignore_rules import parse_rules, verdict
from venvstacks.tools.module_files import read_project, read_source

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

NAMES = ("a", "b", "ab", "c.py", "d.txt", "foo", "x y", "é", "#h", "!n", "[z]")
RULES = (
    "a", "/a", "a/", "*/", "!*/", "*", "!*.py", "*.txt", "!d.txt", "a/b", "/a/b", "a/*", "!a/b", "a/**", "**/b",
    "a/**/c.py", "!a/**/c.py", "**", "foo", "!foo", "!foo/", "[ab]", "[!a]", "[^a]", "[[:alpha:]]", "[]a]", "[!]]",
    "[z-a]", "[a-", "a*", "?", "??", "é*", "**/foo/", "/*", "!/a", "!a/", "x y", "\\#h", "\\!n", "#h", "", "  ",
    "b/**/", "a/**/b/", "/**/c.py", "d.txt ", "c.py\\ ", "\\*", "a\\", "**foo", "a/x**/b", "a/**b", "!", "/", "[",
    "a//b", "\\[z\\]", "foo/*", "!foo/a/", "a/./b", "../a", "a[/]b", "*/*/b", "a/***", "***/b", "[a\\]]", "!**/c.py",
)  # fmt: skip

TABLE = {
    "negation": {".gitignore": "*\n!*/\n!*.py\n"},
    "a folder cannot be looked into again": {".gitignore": "a/\n!a/c.py\n"},
    "its content can": {".gitignore": "a/*\n!a/c.py\n"},
    "anchored": {".gitignore": "/a\n/b/c.py\n"},
    "anchored in a folder": {"pkg/.gitignore": "/a\nb/c.py\n"},
    "stars over folders": {".gitignore": "**/foo\npkg/**/d.txt\n"},
    "nested files": {".gitignore": "*.txt\n", "pkg/.gitignore": "!d.txt\n", "pkg/a/.gitignore": "d.txt\n!*\n"},
    "folders only": {".gitignore": "foo/\nc.py/\n"},
    "exclude file": {".git/info/exclude": "a\n", ".gitignore": "!pkg/a\n"},
    "the package itself": {".gitignore": "pkg\n!c.py\n"},
}


def git(folder: Path, *arguments: str, accepts: tuple[int, ...] = (0,)) -> str:
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode in accepts, done.stderr
    return done.stdout


def make_repository(folder: Path) -> Path:
    git(folder, "init", "-q")
    return folder


def fill(folder: Path, chance: random.Random, files: int = 40) -> None:
    for _ in range(files):
        place = folder.joinpath("pkg", *chance.choices(NAMES, k=chance.randint(1, 4)))
        if not any(above.is_file() for above in place.parents) and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()


def expected(folder: Path) -> list[str]:
    listed = git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "pkg").split("\0")
    names = [name.removeprefix("pkg/") for name in listed if name]
    return sorted(name for name in names if not any(part.startswith(".git") for part in name.split("/")))


def found(folder: Path) -> list[str]:
    source = read_source(folder, "pkg")
    assert source is not None
    return list(source.files)


@pytest.mark.parametrize("rules", TABLE.values(), ids=list(TABLE))
def test_a_table_of_rules(tmp_path: Path, rules: dict[str, str]) -> None:
    folder = make_repository(tmp_path)
    fill(folder, random.Random(1))
    for name in ("a/c.py", "a/d.txt", "b/c.py", "d.txt", "foo/c.py", "b/foo"):
        place = folder / "pkg" / name
        if not any(above.is_file() for above in place.parents) and not place.is_dir():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
    for name, text in rules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    assert found(folder) == expected(folder)


@pytest.mark.parametrize("seed", range(40))
def test_random_rules_in_random_places(tmp_path: Path, seed: int) -> None:
    folder, chance = make_repository(tmp_path), random.Random(seed)
    fill(folder, chance)
    folders = sorted(place for place in folder.rglob("*") if place.is_dir() and ".git" not in place.parts)
    for place in [folder, *chance.sample(folders, 3)]:
        (place / ".gitignore").write_text("\n".join(chance.choices(RULES, k=3)), encoding="utf-8")
    assert found(folder) == expected(folder)


def test_further_work_trees_share_the_exclude_file(tmp_path: Path) -> None:
    main, other = tmp_path / "main", tmp_path / "other"
    main.mkdir()
    make_repository(main)
    fill(main, random.Random(2))
    git(main, "add", ".")
    git(main, "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "m")
    git(main, "worktree", "add", "-q", str(other))
    (main / ".git" / "info" / "exclude").write_text("*.new\n", encoding="utf-8")
    (other / "pkg" / "x.new").touch()
    assert (other / ".git").is_file()
    assert found(other) == expected(other)
    assert "x.new" not in found(other)


def test_a_tracked_file_that_a_rule_matches_counts_as_ignored(tmp_path: Path) -> None:
    folder = make_repository(tmp_path)
    (folder / "pkg").mkdir()
    (folder / "pkg" / "model.bin").touch()
    git(folder, "add", ".")
    (folder / ".gitignore").write_text("*.bin\n", encoding="utf-8")
    assert expected(folder) == ["model.bin"]
    assert found(folder) == []


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("further", [False, True], ids=["own repository", "further work tree"])
def test_where_files_have_no_modes_git_s_index_says_them(tmp_path: Path, version: int, *, further: bool) -> None:
    folder = tmp_path / "main"
    folder.mkdir()
    make_repository(folder)
    git(folder, "config", "index.version", str(version))
    fill(folder, random.Random(version))
    (folder / "pkg" / "ü").mkdir(exist_ok=True)
    for name in ("run", "ü/run", "ü/runs", "ü/other"):
        (folder / "pkg" / name).write_text("#!/bin/sh\n", encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "update-index", "--chmod=+x", "pkg/run", "pkg/ü/runs")
    if version == 3:  # entries to be added later have further flags
        (folder / "pkg" / "a-new").touch()
        git(folder, "add", "--intent-to-add", "pkg/a-new")
    if further:
        git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", "m")
        git(folder, "worktree", "add", "-q", str(tmp_path / "other"))
        folder = tmp_path / "other"
        (folder / "pkg" / "run").chmod(0o644)
    source = read_source(folder, "pkg")
    assert source is not None
    assert source.executable == (frozenset({"ü/runs"}) if further else frozenset())  # the bits of the files
    git(folder, "config", "core.fileMode", "false")
    source = read_source(folder, "pkg")
    assert source is not None
    assert source.executable == {"run", "ü/runs"}
    git(folder, "config", "core.fileMode", "true")
    (folder / "pkg" / "ü" / "other").chmod(0o755)
    source = read_source(folder, "pkg")
    assert source is not None
    assert "ü/other" in source.executable


PIECES = ("a", "b", "ab", "/", "*", "*", "**", "/**/", "**/", "/**", "?", "[ab]", "[^a]", "a*", "*b", "/*")


def is_ignored(pattern: str, path: str) -> bool:
    """Whether one rule leaves out a file, or a folder that it is in, as git decides it from the top down."""
    rules, parts = parse_rules(pattern.encode()), path.split("/")
    places = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return any(verdict(rules, place.encode(), is_folder=place != path) for place in places)


@pytest.mark.parametrize("seed", range(5))
def test_random_patterns_match_what_they_match_for_git(tmp_path: Path, seed: int) -> None:
    folder, chance = make_repository(tmp_path), random.Random(seed)
    wanted: dict[str, tuple[str, str]] = {}
    for number in range(300):
        pattern = "".join(chance.choices(PIECES, k=chance.randint(1, 8)))
        (folder / str(number)).mkdir()
        (folder / str(number) / ".gitignore").write_text(pattern, encoding="utf-8")
        for _ in range(20):
            path = "/".join("".join(chance.choices("ab", k=chance.randint(1, 4))) for _ in range(chance.randint(1, 5)))
            wanted[f"{number}/{path}"] = pattern, path
    listed = git(folder, "check-ignore", "--no-index", *wanted, accepts=(0, 1)).splitlines()
    ignored = {place for place, (pattern, path) in wanted.items() if is_ignored(pattern, path)}
    assert ignored == set(listed)
    assert 300 < len(ignored) < len(wanted) - 300


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*a" * 60 + "b", "a" * 250),
        ("x" + "*a" * 60 + "b", "x" + "a" * 250),
        ("a**" * 60 + "b", "a" * 250),
        ("[a-z]*" * 60 + "0", "a" * 250),
    ],
)
def test_no_pattern_takes_exponential_time(tmp_path: Path, pattern: str, path: str) -> None:
    """Each of these took longer than anybody waits; what git says about them is said here."""
    folder = make_repository(tmp_path)
    (folder / ".gitignore").write_text(pattern, encoding="utf-8")
    assert git(folder, "check-ignore", "--no-index", path, accepts=(1,)) == ""
    assert not is_ignored(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/a/" * 40 + "b", "a/" * 400 + "c"),
        ("/**/*a*a*a*a*a*a" * 12 + "/b", ("a" * 100 + "/") * 30 + "c"),
    ],
)
def test_patterns_that_git_takes_exponential_time_for(pattern: str, path: str) -> None:
    assert not is_ignored(pattern, path)


@pytest.mark.parametrize("path", ["", "pkg"])
def test_a_project_has_all_that_git_tracks_or_does_not_ignore(tmp_path: Path, path: str) -> None:
    make_repository(tmp_path)
    files = {".gitignore": "*.bin\nout/\n", "pkg/data.bin": "", "pkg/other.bin": "", "pkg/new.py": "", "pkg/out/a": ""}
    for name, text in {**files, "pkg/out/b": "", "top.py": "", ".github/x": ""}.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
    git(tmp_path, "add", "--force", "pkg/data.bin", "pkg/out/b", ".github/x", ".gitignore")
    project = read_project(tmp_path, path or ".")
    assert project is not None
    listed = git(tmp_path, "ls-files", "--cached", "--others", "--exclude-standard", "-z", path or ".").split("\0")
    expected = {name.removeprefix("pkg/" if path else "") for name in listed if name and not name.startswith(".git")}
    assert set(project.files) == expected
    assert "data.bin" in {Path(name).name for name in project.files}
