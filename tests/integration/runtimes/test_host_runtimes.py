"""Provider `host` on the CPythons that are installed here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from venvstacks.digests import scan_tree, tree_digest
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PLATFORMS, PythonImplementation
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.installed_pythons import Installation
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools
from venvstacks.runtimes.self_check import check_runtime, read_facts
from venvstacks.tools.process import Processes

PREPARE = """\
import os, platform, sys
from pathlib import Path
from venvstacks.digests import tree_digest
from venvstacks.model.platforms import PythonImplementation, identify_platform
from venvstacks.runtimes.host_provider import HostProvider
from venvstacks.runtimes.provider_request import RuntimeTools, RuntimeRequest
from venvstacks.tools.process import Processes
os.umask(int(sys.argv[3], 8))
here = identify_platform(sys.platform, platform.machine())
request = RuntimeRequest(PythonImplementation("cpython", sys.argv[1]), here)
prepared = HostProvider().prepare(request, RuntimeTools(Processes(), dict(os.environ), Path(sys.argv[2])))
print(tree_digest(prepared.entries))
"""


def real_tools(cache: Path) -> RuntimeTools:
    return RuntimeTools(Processes(), dict(os.environ), cache)


def say(tree: Path, code: str) -> str:
    done = subprocess.run(
        [tree / "bin/python", "-I", "-B", "-c", code], check=True, capture_output=True, text=True, env={"PATH": ""}
    )
    return done.stdout.strip()


def test_the_copy_is_in_order(relocated: PreparedRuntime, installation: Installation, tmp_path: Path) -> None:
    tools = real_tools(tmp_path)
    original = read_facts(installation.executable, tools)
    name = installation.executable.name
    facts = check_runtime(relocated.tree, f"bin/{name}", installation.version, tools, original)
    assert {"ssl", "sqlite3", "ctypes", "zlib"}.intersection(original.modules) <= set(facts.modules)
    assert facts.prefix == str(relocated.tree)
    assert facts.config["prefix"] == "/install"
    assert scan_tree(relocated.tree) == relocated.entries


def test_the_copy_holds_what_a_runtime_holds(relocated: PreparedRuntime, installation: Installation) -> None:
    tree, short = relocated.tree, installation.version.rpartition(".")[0]
    assert sorted(path.name for path in (tree / "bin").iterdir()) == ["python", "python3", f"python{short}"]
    assert (tree / "bin/python").readlink() == Path(f"python{short}")
    assert [*(tree / f"lib/python{short}/site-packages").iterdir()] == []
    paths = [entry.path for entry in relocated.entries]
    assert not [path for path in paths if path.endswith((".pyc", ".a", ".o")) or "__pycache__" in path]
    assert not [path for path in paths if f"lib/python{short}/test/" in path or "/idle_test/" in path]
    assert f"lib/python{short}/ensurepip/__init__.py" in paths
    assert [path for path in paths if path.startswith(f"include/python{short}/")]


def test_no_file_of_the_copy_names_where_it_comes_from(
    relocated: PreparedRuntime, installation: Installation, tmp_path: Path
) -> None:
    config = read_facts(installation.executable, real_tools(tmp_path)).config
    places = {str(installation.prefix), config["prefix"], config.get("abs_builddir", "")} - {"", "/usr", "/usr/local"}
    assert places
    for entry in relocated.entries:
        if not entry.is_link:
            content = (relocated.tree / entry.path).read_bytes()
            assert not [place for place in places if os.fsencode(place) in content], entry.path


def test_the_copy_works_where_it_is_moved_to(
    relocated: PreparedRuntime, installation: Installation, tmp_path: Path
) -> None:
    moved = tmp_path / "far away" / "moved"
    subprocess.run(["cp", "-a", relocated.tree, moved.parent.parent / "copy"], check=True)
    moved.parent.mkdir()
    (tmp_path / "copy").rename(moved)
    facts = check_runtime(moved, f"bin/{installation.executable.name}", installation.version, real_tools(tmp_path))
    assert [path for path in facts.mapped if path.startswith(str(moved))]
    assert scan_tree(moved) == relocated.entries


def test_environments_with_pip_can_be_made_from_the_copy(relocated: PreparedRuntime, tmp_path: Path) -> None:
    """ensurepip parses `sys.version`: a linker had made its version number the end of the prefix in libpython."""
    subprocess.run(
        [relocated.tree / "bin/python", "-I", "-B", "-m", "venv", tmp_path / "env"],
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
    )
    done = subprocess.run([tmp_path / "env/bin/pip", "--version"], check=True, capture_output=True, text=True, env={})
    assert done.stdout.startswith("pip ")
    assert f"{tmp_path}/env/lib" in done.stdout


def test_versions_and_build_texts_are_the_original_s(relocated: PreparedRuntime, installation: Installation) -> None:
    code = "import json, platform, sys; print(json.dumps([sys.version, platform.python_build(), sys.copyright]))"
    original = subprocess.run(
        [installation.executable, "-I", "-B", "-c", code], check=True, capture_output=True, text=True, env={}
    )
    assert json.loads(say(relocated.tree, code)) == json.loads(original.stdout)


def test_another_folder_and_umask_give_the_same_tree_even_at_once(
    relocated: PreparedRuntime, installation: Installation, tmp_path: Path
) -> None:
    """Three processes: two prepare the same runtime in one cache at the same time, one in another cache."""
    root = Path(__file__).parents[3]
    children = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", PREPARE, installation.version, tmp_path / folder, umask],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for folder, umask in (("one/cache", "022"), ("one/cache", "022"), ("another/place/cache", "077"))
    ]
    answers = {child.communicate()[0].strip() for child in children}
    assert answers == {tree_digest(relocated.entries)}


def test_the_notes_name_what_the_copy_needs_of_its_system(relocated: PreparedRuntime) -> None:
    assert relocated.build == "host"
    assert "does not bring its system libraries" in relocated.notes[0]
    assert [note for note in relocated.notes if note.startswith("needs glibc 2.")]
    assert str(Path.home()) not in " ".join(relocated.notes)


def test_a_version_that_is_not_installed(wanted: RuntimeRequest, installation: Installation, tmp_path: Path) -> None:
    version = f"{installation.version}99"
    request = RuntimeRequest(PythonImplementation("cpython", version), wanted.platform)
    with pytest.raises(RuntimeUnavailableError, match="no installed Python can serve") as caught:
        HostProvider().prepare(request, real_tools(tmp_path))
    assert [line for line in caught.value.details if f"is version {installation.version}" in line]
    assert caught.value.hint is not None
    assert f"install exactly {version}" in caught.value.hint


def test_interpreters_that_do_not_start_are_passed_over(
    wanted: RuntimeRequest, installation: Installation, tmp_path: Path
) -> None:
    for name, script in {"broken": "exit 1", "chatty": "echo no JSON"}.items():
        fake = tmp_path / name / installation.executable.name
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
    environment = {"PATH": f"{tmp_path}/broken:{tmp_path}/chatty", "HOME": str(tmp_path)}
    with pytest.raises(RuntimeUnavailableError) as caught:
        HostProvider().prepare(wanted, RuntimeTools(Processes(), environment, tmp_path / "cache"))
    assert len([line for line in caught.value.details if line.endswith("does not start, or is no CPython")]) == 2


def test_an_environment_answers_for_the_python_that_it_is_based_on(
    wanted: RuntimeRequest, installation: Installation, relocated: PreparedRuntime, tmp_path: Path
) -> None:
    command = [installation.executable, "-I", "-B", "-m", "venv", "--without-pip", tmp_path / "env"]
    subprocess.run(command, check=True, env={})
    environment = {"PATH": str(tmp_path / "env/bin"), "HOME": str(tmp_path)}
    prepared = HostProvider().prepare(wanted, RuntimeTools(Processes(), environment, tmp_path / "cache"))
    assert tree_digest(prepared.entries) == tree_digest(relocated.entries)


@pytest.mark.parametrize(("python", "target"), [("pypy@3.11.13", "linux_x86_64"), ("cpython@3.11.7", "macosx_arm64")])
def test_what_cannot_be_relocated_at_all(python: str, target: str, tmp_path: Path) -> None:
    request = RuntimeRequest(PythonImplementation.parse(python), PLATFORMS[target])
    with pytest.raises(RuntimeUnavailableError, match="only be relocated if it is a CPython on Linux"):
        HostProvider().prepare(request, real_tools(tmp_path))
