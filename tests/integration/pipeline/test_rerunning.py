"""What runs again after a change, and what does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.sample_stack import BUILT, Pond, listing, ran
from venvstacks.api import Selection

ALL = ("lock", "build", "publish", "export")


def tasks_of(env: str) -> set[str]:
    """What a change of a module in a layer makes run."""
    kinds = ("build", "link", "check", "archive", "export")
    return {f"{kind}:{env}" for kind in kinds} | {"manifest:archives", "manifest:exports"}


def archives(pond: Pond) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (pond.base / "_artifacts").glob("*.tar.*")}


@pytest.fixture
def built(published_pond: Pond, tmp_path: Path) -> Pond:
    """The published stack, moved to another folder with all that was built of it."""
    shutil.copytree(published_pond.base, tmp_path / "moved", symlinks=True)
    return Pond(tmp_path / "moved", published_pond.cache, published_pond.uv_cache)


def test_nothing_runs_a_second_time_even_from_another_folder(built: Pond) -> None:
    assert ran(built.run(*ALL)) == set()
    assert set(built.plan(*ALL).values()) == {"up to date"}


_LOADED_MODULES = """
import atexit, sys
from venvstacks.cli import main
atexit.register(lambda: print(*sys.modules))
main()
"""
_FOR_RUNS_THAT_ACT = {
    "doit", "email.parser", "multiprocessing", "platformdirs", "rich", "tomli_w", "zstandard",
    "venvstacks.actions.toolset", "venvstacks.actions.wheels.wheel_request", "venvstacks.archives.write_archive",
    "venvstacks.engine.build_lock", "venvstacks.engine.journal",
    "venvstacks.locking.locks", "venvstacks.planning.forecast", "venvstacks.records.published_metadata",
    "venvstacks.sharing", "venvstacks.tools.process",
}  # fmt: skip
_MOST_MODULES = 115
"""Of this program's own; raise it with a reason: each costs every run half a millisecond and more."""


def test_a_run_with_nothing_to_do_loads_nothing_that_acts(published_pond: Pond) -> None:
    command = [sys.executable, "-c", _LOADED_MODULES, "build", "venvstacks.toml", "--publish"]
    done = subprocess.run(
        command,
        cwd=published_pond.base,
        env=published_pond.environment,
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "up to date in" in done.stderr
    loaded = set(done.stdout.split())
    assert sorted(loaded & _FOR_RUNS_THAT_ACT) == []
    own = sorted(name for name in loaded if name.partition(".")[0] == "venvstacks")
    assert len(own) <= _MOST_MODULES, own


@pytest.mark.parametrize("file", ["launch/hop/__main__.py", "support/legs.py"])
def test_a_changed_module_reruns_its_layer_alone(built: Pond, file: str) -> None:
    before = built.metadata("app-newt")
    built.edit("import", "import  ", file)
    assert ran(built.run(*ALL)) == tasks_of("app-newt")
    after = built.metadata("app-newt")
    assert (before["archive_build"], after["archive_build"]) == (1, 2)
    assert before["lock_version"] == after["lock_version"]
    assert after["archive_hashes"] != before["archive_hashes"]


@pytest.mark.skipif(os.name == "nt", reason="files have no executable bit")
@pytest.mark.parametrize("file", ["launch/hop/__main__.py", "support/legs.py"])
def test_a_module_that_becomes_executable_reruns_its_layer(built: Pond, file: str) -> None:
    before = built.metadata("app-newt")
    (built.base / file).chmod(0o755)
    assert ran(built.run(*ALL)) == tasks_of("app-newt")
    assert built.metadata("app-newt")["archive_hashes"] != before["archive_hashes"]
    (built.base / file).chmod(0o644)
    assert ran(built.run(*ALL)) == tasks_of("app-newt")


def test_an_export_is_not_changed_by_a_later_build(built: Pond) -> None:
    place = built.base / "_export/app-newt/lib/python3.11/site-packages/legs.py"
    before = place.read_bytes()
    built.edit("import", "import  ", "support/legs.py")
    ran(built.run("build", "publish"))
    assert place.read_bytes() == before


def test_a_git_ignored_file_is_left_out(pond: Pond) -> None:
    (pond.base / ".git/info").mkdir(parents=True)
    (pond.base / ".gitignore").write_text("*.secret\n", "utf-8")
    (pond.base / "launch/hop/key.secret").write_text("🐸", "utf-8")
    (pond.base / "launch/hop/.gitattributes").write_text("", "utf-8")
    ran(pond.run("build", selection=include("app-newt")))
    copied = pond.base / "_build/app-newt/lib/python3.11/site-packages/hop"
    assert {path.name for path in copied.iterdir()} == {"__init__.py", "__main__.py"}


def include(*names: str) -> Selection:

    return Selection(include=names)


def test_current_metadata_without_the_archive_rebuilds_nothing(built: Pond) -> None:
    for archive in (built.base / "_artifacts").glob("*.tar.zst"):
        archive.unlink()
    assert ran(built.run("build", "publish")) == set()
    shutil.rmtree(built.base / "_build/.venvstacks/logs")
    (built.base / "_build/.venvstacks/state.db").unlink()
    ran(built.run("build", "publish"))
    assert list((built.base / "_artifacts").glob("*.tar.zst")) == []


def test_a_forced_archive_of_the_same_bytes_keeps_its_build_number(built: Pond) -> None:
    before = archives(built)
    assert {f"archive:{name}" for name in BUILT} <= ran(built.run("publish", force=True))
    assert archives(built) == before
    assert built.metadata("app-newt")["archive_build"] == 1


def test_publishing_one_layer_keeps_the_others_in_the_manifest(built: Pond) -> None:
    built.edit("import", "import  ", "support/legs.py")
    ran(built.run("build", "publish", selection=include("app-newt")))
    manifest = json.loads((built.base / "_artifacts/__venvstacks__/venvstacks.json").read_text("utf-8"))
    names = [entry["layer_name"] for group in manifest["layers"].values() for entry in group]
    assert sorted(names) == sorted(BUILT)


def test_layers_for_other_platforms_and_disabled_ones_are_not_built(built: Pond) -> None:
    names = {path.name for path in (built.base / "_build").iterdir()}
    assert names == {".venvstacks", *BUILT}
    assert (built.base / "requirements/app-elsewhere/pylock.app-elsewhere.toml").is_file()
    assert not (built.base / "requirements/app-off").exists()


def test_tagged_outputs_carry_platform_and_build_number(built: Pond) -> None:
    options = {"tag_outputs": True, "output_dir": "tagged"}
    ran(built.run("publish", options=options))
    built.edit("import", "import  ", "support/legs.py")
    ran(built.run("build", "publish", options=options))
    platform = built.metadata("app-newt-linux_x86_64", "tagged")["target_platform"]
    names = {path.name for path in (built.base / "tagged").glob("*.tar.zst")}
    firsts = {f"{name}-{platform}-1.tar.zst" for name in BUILT}
    assert names == {*firsts, f"app-newt-{platform}-2.tar.zst"}
    assert (built.base / f"tagged/__venvstacks__/venvstacks-{platform}.json").is_file()


def test_a_runtime_s_package_that_nothing_above_uses_rebuilds_nothing_above(built: Pond) -> None:
    make_wheel(built.base / "wheels", "duckweed", "1.0")
    built.edit('requirements = ["pond"]', 'requirements = ["pond", "duckweed"]')
    done = ran(built.run(*ALL))
    assert {name for name in done if not name.startswith("lock:")} == tasks_of("py")


def test_versioned_layers_are_referred_to_by_their_deployed_names(built: Pond) -> None:
    built.edit('name = "lily"\n', 'name = "lily"\nversioned = true\n')
    ran(built.run(*ALL))
    first = built.metadata("framework-lily")["install_target"]
    make_wheel(built.base / "wheels", "lily", "2.0")
    ran(built.run("lock", renew_locks=True, selection=reset("framework-lily")))
    ran(built.run("build", "publish", "export"))
    second = built.metadata("framework-lily")["install_target"]
    assert (first.partition("@")[0], second.partition("@")[0]) == ("framework-lily", "framework-lily")
    assert first != second
    assert built.metadata("app-newt")["required_layers"] == ["framework-frog", second]
    alias = built.base / "_build" / second
    assert str(alias.readlink()) == "framework-lily"
    assert not os.path.lexists(built.base / "_build" / first)
    assert (built.base / "_export" / second).is_dir()
    assert not (built.base / "_export" / first).exists()
    config = built.base / "_export/app-newt/share/venv/metadata/venvstacks_layer.json"
    assert f"../{second}/lib/python3.11/site-packages" in json.loads(config.read_text("utf-8"))["pylib_dirs"]
    for folder in ("_build", "_export"):
        python = built.base / folder / "app-newt/bin/python"
        done = subprocess.run([python, "-m", "hop"], env={}, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["lily"] == "2.0"
    top = {member.name.split("/")[0] for member, _ in listing(built.base / f"_artifacts/{second}.tar.zst")}
    assert top == {second}


def reset(*names: str) -> Selection:

    return Selection(include=names, reset_lock=names)


def test_an_application_runs_with_arguments_after_the_folder_was_moved(built: Pond) -> None:
    done = built.command("-q", "run", "venvstacks.toml", "newt", "--", "--frogs", "3 🐸")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["args"] == ["--frogs", "3 🐸"]
    missing = built.command("run", "venvstacks.toml", "elsewhere")
    assert missing.returncode == 2
    assert "not made for this machine" in missing.stderr


def test_two_builds_in_different_circumstances_give_the_same_bytes(published_pond: Pond, tmp_path: Path) -> None:
    other = published_pond.copy(tmp_path / "it's another 🦎 folder" / "deeper")
    for path in other.base.rglob("*"):
        os.utime(path, (10**9, 10**9), follow_symlinks=False)
    arguments = ("build", "venvstacks.toml", "--publish", "--local-wheels", "wheels", "--no-index", "--jobs", "1")
    command = "umask 077 && exec " + " ".join(["venvstacks_python", "-m", "venvstacks", *arguments])
    variables = {"TZ": "Pacific/Chatham", "PYTHONHASHSEED": "7", "LC_ALL": "C", "LANG": "tr_TR.UTF-8"}
    command = command.replace("venvstacks_python", sys.executable)
    environment = {**other.environment, **variables, "UV_CACHE_DIR": str(tmp_path / "fresh uv cache")}
    done = subprocess.run(
        ["sh", "-c", command], cwd=other.base, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for name in BUILT:
        one, two = (stack.base / f"_artifacts/{name}.tar.zst" for stack in (published_pond, other))
        for (left, content), (right, other_content) in zip(listing(one), listing(two), strict=True):
            assert left.tobuf() == right.tobuf(), left.name
            assert content == other_content, left.name
        assert one.read_bytes() == two.read_bytes()
    assert other.metadata("app-newt") == published_pond.metadata("app-newt")
