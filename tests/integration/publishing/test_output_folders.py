"""Output folders that something was published into before, was removed from, or cannot be written to."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.offline_stacks import has_python, run, write_stack
from venvstacks.model.conventions import METADATA_DIR

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not has_python(), reason="needs the CPython of the offline stack")]

UNDER_UMASK = """
import os, sys
os.umask(int(sys.argv.pop(1)))
from venvstacks.cli.error_boundary import run_command_line
sys.exit(run_command_line(sys.argv[1:]))
"""
PIPELINE = ("build", "venvstacks.toml", "--lock", "--no-index", "--local-wheels", "wheels")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The offline stack, built."""
    folder = tmp_path_factory.mktemp("outputs") / "stack"
    write_stack(folder)
    vs(folder, *PIPELINE)
    return folder


@pytest.fixture
def stack(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "stack", symlinks=True))


def vs(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run the command line; what it printed."""
    done = run("venvstacks", *arguments, cwd=folder, VENVSTACKS_CACHE=str(folder.parent / "cache"))
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_exports_that_were_removed_are_made_again(stack: Path) -> None:
    vs(stack, "local-export", "venvstacks.toml")
    shutil.rmtree(stack / "_export/framework-base")
    assert "_export/framework-base" in vs(stack, "plan", "venvstacks.toml", "--export")
    vs(stack, "local-export", "venvstacks.toml")
    assert (stack / "_export/framework-base/bin").is_dir()
    assert "up to date" in vs(stack, "local-export", "venvstacks.toml")


def test_archives_that_were_moved_are_not_published_again_and_deploying_names_what_helps(stack: Path) -> None:
    vs(stack, "publish", "venvstacks.toml")
    archive = stack / "_artifacts/app-hello.tar.zst"
    content = archive.read_bytes()
    archive.unlink()
    assert "up to date" in vs(stack, "publish", "venvstacks.toml")
    assert not archive.exists()
    assert "publish --force" in vs(stack, "deploy", "_artifacts", "--to", "place", code=6)
    vs(stack, "publish", "venvstacks.toml", "--force")
    assert archive.read_bytes() == content
    vs(stack, "deploy", "_artifacts", "--to", "place")


def test_a_failure_in_another_folder_says_nothing_about_the_default_one(stack: Path) -> None:
    vs(stack, "publish", "venvstacks.toml")
    vs(stack, "local-export", "venvstacks.toml")
    (stack / "file").touch()
    vs(stack, "publish", "venvstacks.toml", "--output-dir", "file/x", code=6)
    vs(stack, "local-export", "venvstacks.toml", "--output-dir", "file/x", code=6)
    assert "failed before" not in vs(stack, "plan", "venvstacks.toml", "--publish", "--export")


@pytest.mark.parametrize("tagged", [False, True])
def test_publications_of_the_original_go_on(stack: Path, *, tagged: bool) -> None:
    """Its metadata lacks what this program adds; the numbers and the format of archives are kept."""
    options = ["--include", "*-*", *(["--tag-outputs"] if tagged else [])]  # not the runtime: xz is slow
    ending = "-linux_x86_64" if tagged else ""
    vs(stack, "publish", "venvstacks.toml", "--archive-format", "tar.xz", *options)
    folder = stack / "_artifacts"
    for place in (folder / METADATA_DIR).rglob("*.json"):
        entry = json.loads(place.read_text("utf-8"))
        for row in [row for group in entry["layers"].values() for row in group] if "layers" in entry else [entry]:
            del row["venvstacks"]
            row["archive_build"] = 3
            row["archive_hashes"] = {"sha256": "0" * 64}
        place.write_text(json.dumps(entry))
    for number, archive in enumerate(sorted(folder.glob("*.tar.xz"))):
        archive.write_text(f"of the original {number}")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert len(before) > 1
    output = vs(stack, "publish", "venvstacks.toml", *options)
    assert ".tar.xz, as archives there were published before" in output
    assert {name: (folder / name).read_bytes() for name in before} == before
    entries = json.loads((folder / METADATA_DIR / f"venvstacks{ending}.json").read_text("utf-8"))["layers"].values()
    rows = [row for group in entries for row in group]
    assert {row["archive_build"] for row in rows} == {4}
    assert all(row["archive_name"].endswith(".tar.xz") and row["archive_name"] not in before for row in rows)
    assert "up to date" in vs(stack, "publish", "venvstacks.toml", *options)  # and the format is kept for good
    chosen = vs(stack, "publish", "venvstacks.toml", "--archive-format", "zip", *options)
    assert "as archives there were" not in chosen


@pytest.mark.skipif(os.name != "posix", reason="other systems have no umask")
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_do_not_depend_on_the_umask(stack: Path, umask: int) -> None:
    for command in ("publish", "local-export"):
        argv = [sys.executable, "-c", UNDER_UMASK, str(umask), command, "venvstacks.toml"]
        environment = {**os.environ, "VENVSTACKS_CACHE": str(stack.parent / "cache")}
        done = subprocess.run(argv, cwd=stack, env=environment, text=True, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    wrong = {}
    for folder in (stack / "_artifacts", stack / "_export"):
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            if not path.is_symlink() and mode not in ((0o755,) if path.is_dir() else (0o644, 0o755)):
                wrong[str(path.relative_to(stack))] = oct(mode)
    assert wrong == {}


def test_deltas_from_what_the_folder_held_before(stack: Path) -> None:
    vs(stack, "publish", "venvstacks.toml")
    before = {path.name: path.read_bytes() for path in (stack / "_artifacts").iterdir() if path.is_file()}
    changed = "import alpha\n" + "".join(f"number_{n} = {n * n}\n" for n in range(2000)) + "print('🐸 2')\n"
    (stack / "hello.py").write_text(changed, "utf-8")
    vs(stack, "build", "venvstacks.toml")
    said = vs(stack, "publish", "venvstacks.toml", "--delta-from", "_artifacts")
    assert "note: app-hello: a delta of " in said
    (place,) = (stack / "_artifacts").glob("*.delta")
    manifest = json.loads((stack / "_artifacts/__venvstacks__/venvstacks.json").read_bytes())
    (delta,) = manifest["layers"]["applications"][0]["venvstacks"]["deltas"]
    assert (delta["name"], delta["size"]) == (place.name, place.stat().st_size)
    assert (
        before.items()
        <= {path.name: path.read_bytes() for path in (stack / "_artifacts").iterdir() if path.is_file()}.items()
    )
    vs(stack, "publish", "venvstacks.toml", "--delta-from", "_artifacts")
    assert json.loads((stack / "_artifacts/__venvstacks__/venvstacks.json").read_bytes()) == manifest
