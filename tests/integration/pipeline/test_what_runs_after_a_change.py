"""Tables of changes and of the tasks that run after each; every other task must be found up to date."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.handmade_wheels import make_wheel
from tests.support.sample_stack import BUILT, Pond
from venvstacks.api import Request, plan, run
from venvstacks.graph.compiler import RECIPES
from venvstacks.loading.project import Project

WHOLE = Request(("lock", "build", "publish", "export"))
MANIFESTS = {"manifest:archives", "manifest:exports"}


def tasks(kinds: str, *environments: str) -> set[str]:
    return {f"{kind}:{name}" for kind in kinds.split() for name in environments}


def whole(*environments: str) -> set[str]:
    """Every task of some layers, and the manifests."""
    return tasks("lock build link check archive export", *environments) | MANIFESTS


@pytest.fixture
def built(published_pond: Pond, tmp_path: Path) -> Pond:
    """The published stack with all that was made of it, in another folder."""
    shutil.copytree(published_pond.base, tmp_path / "built", symlinks=True)
    return Pond(tmp_path / "built", published_pond.cache, published_pond.uv_cache)


def tasks_that_run(project: Project, request: Request = WHOLE) -> set[str]:
    """Carry a request out; what ran was foreseen, and what was foreseen to run did."""
    foreseen = {task.name: task.status for task in plan(project, request)}
    report = run(project, request)
    status = {outcome.name: outcome.status for outcome in report.outcomes}
    assert status.keys() == foreseen.keys()
    assert set(status.values()) <= {"done", "up to date"}, [str(failure.error) for failure in report.failures]
    done = {name for name, ended in status.items() if ended == "done"}
    assert {name for name, said in foreseen.items() if said == "run"} <= done
    assert {name for name, said in foreseen.items() if said == "up to date"}.isdisjoint(done)
    assert set(foreseen.values()) <= {"run", "maybe", "up to date"}
    return done


def nothing(_: Pond) -> None:
    pass


def comment(pond: Pond) -> None:
    pond.spec.write_text("# 🐸\n" + pond.spec.read_text("utf-8").replace("[[", "\n  [[") + "# end\n", "utf-8")


def reorder_keys(pond: Pond) -> None:
    pond.edit('name = "newt"\nframeworks = ["frog", "lily"]\n', 'frameworks = ["frog", "lily"]\nname = "newt"\n')


def reorder_layers(pond: Pond) -> None:
    text = pond.spec.read_text("utf-8")
    start, middle = text.index('[[frameworks]]\nname = "frog"'), text.index('[[frameworks]]\nname = "lily"')
    end = text.index("[[applications]]")
    pond.spec.write_text(text[:start] + text[middle:end] + text[start:middle] + text[end:], "utf-8")


def resolve_to_the_same(pond: Pond) -> None:
    pond.edit('requirements = ["lily"]', 'requirements = ["lily>=1"]')


def add_unused_package_below(pond: Pond) -> None:
    make_wheel(pond.base / "wheels", "moss", "1.0")
    pond.edit('requirements = ["lily"]', 'requirements = ["lily", "moss"]')


def change_used_package_below(pond: Pond) -> None:
    make_wheel(pond.base / "wheels", "lily", "2.0")
    pond.edit('requirements = ["lily"]', 'requirements = ["lily>=2"]')


def change_launch_module(pond: Pond) -> None:
    pond.edit("import", "import  ", "launch/hop/__main__.py")


def change_support_module(pond: Pond) -> None:
    pond.edit("import", "import  ", "support/legs.py")


def add_ignored_file(pond: Pond) -> None:
    (pond.base / "launch/hop/__pycache__").mkdir()
    (pond.base / "launch/hop/__pycache__/x.pyc").write_bytes(b"\0")


def add_file_beside(pond: Pond) -> None:
    (pond.base / "support/notes.txt").write_text("not a module of any layer", "utf-8")


def exclude_nothing(pond: Pond) -> None:
    pond.edit('requirements = ["lily"]', 'requirements = ["lily"]\ndynlib_exclude = ["nothing*.so"]')


def drop_platforms(pond: Pond) -> None:
    pond.edit('launch_module = "launch/plain.py"', 'launch_module = "launch/plain.py"\nplatforms = ["linux_x86_64"]')


def new_times(pond: Pond) -> None:
    for number, path in enumerate(pond.base.rglob("*")):
        os.utime(path, (10**9 + number, 10**9 + number), follow_symlinks=False)


def delete_archive(pond: Pond) -> None:
    (pond.base / "_artifacts/framework-frog.tar.zst").unlink()


def delete_archive_and_metadata(pond: Pond) -> None:
    delete_archive(pond)
    (pond.base / "_artifacts/__venvstacks__/env_metadata/framework-frog.json").unlink()


def delete_export(pond: Pond) -> None:
    (pond.base / "_export/__venvstacks__/env_metadata/framework-frog.json").unlink()


def delete_environment(pond: Pond) -> None:
    shutil.rmtree(pond.base / "_build/framework-frog")


def delete_runtime(pond: Pond) -> None:
    shutil.rmtree(pond.base / "_build/py")


def delete_state(pond: Pond) -> None:
    (pond.base / "_build/.venvstacks/state.db").unlink()


Change = Callable[[Pond], None]

CHANGES: list[tuple[str, Change, AbstractSet[str]]] = [
    ("nothing, in another folder", nothing, set()),
    ("a comment and white space", comment, set()),
    ("reordered keys", reorder_keys, set()),
    ("reordered layers", reorder_layers, MANIFESTS),  # they list layers in the order of the specification
    ("a requirement that resolves to the same", resolve_to_the_same, {"lock:framework-lily"}),
    ("a package below that is not used", add_unused_package_below, {"lock:app-newt", *whole("framework-lily")}),
    ("a package below that is used", change_used_package_below, whole("framework-lily", "app-newt")),
    ("launch module", change_launch_module, whole("app-newt") - {"lock:app-newt"}),
    ("support module", change_support_module, whole("app-newt") - {"lock:app-newt"}),
    ("an ignored file next to a module", add_ignored_file, set()),
    ("a file next to a support module", add_file_beside, set()),
    ("dynlib_exclude without effect", exclude_nothing, {"link:framework-lily"}),
    # what is published names the lock, and the lock names its platforms
    ("platforms", drop_platforms, whole("app-plain") - {"check:app-plain"}),  # linking comes out the same
    ("other times", new_times, set()),
    ("archive gone, metadata there", delete_archive, set()),  # somebody has uploaded it
    ("archive and metadata gone", delete_archive_and_metadata, {"archive:framework-frog"}),
    ("export's metadata gone", delete_export, {"export:framework-frog"}),
    ("environment gone", delete_environment, set()),  # nothing needs it: what was published of it is current
    ("runtime's environment gone", delete_runtime, set()),
    ("task records gone", delete_state, tasks("build link check archive export", *BUILT)),
]

TOOLS: list[tuple[str, AbstractSet[str]]] = [
    ("uv", tasks("build link", *BUILT)),  # the trees come out the same
    ("zstandard", tasks("archive", *BUILT) | {"manifest:archives"}),
    ("zlib", set()),  # of another archive format
    ("venvstacks", set()),  # what its steps do is counted by recipe numbers
    ("python", set()),
]

OPTIONS: list[tuple[dict[str, object], AbstractSet[str]]] = [
    ({"archive_level": 3}, tasks("archive", *BUILT) | {"manifest:archives"}),
    ({"check_imports": False}, set()),
    ({"runtime_providers": ("host", "archive")}, tasks("build link", "py")),  # the same Python is found
    ({"jobs": 1}, set()),
]


def with_version(project: Project, tool: str, version: str) -> Project:
    """The same project, where a tool is of another version."""
    configuration = replace(project.configuration, tools={**project.configuration.tools, tool: version})
    return replace(project, configuration=configuration)


@pytest.mark.parametrize(("change", "expected"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_runs_after_a_change(built: Pond, change: Change, expected: AbstractSet[str]) -> None:
    change(built)
    assert tasks_that_run(built.project()) == expected
    assert tasks_that_run(built.project()) == set()


@pytest.mark.parametrize(("tool", "expected"), TOOLS)
def test_what_runs_with_another_version(built: Pond, tool: str, expected: AbstractSet[str]) -> None:
    assert tasks_that_run(with_version(built.project(), tool, "99.0")) == expected


def test_archives_are_written_again_when_their_settings_change(built: Pond, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, "archive", RECIPES["archive"] + 1)  # type: ignore[misc] # nobody else may change it
    assert tasks_that_run(built.project()) == tasks("archive", *BUILT) | {"manifest:archives"}
    assert tasks_that_run(built.project()) == set()


@pytest.mark.parametrize(("options", "expected"), OPTIONS, ids=[",".join(options) for options, _ in OPTIONS])
def test_what_runs_with_another_option(built: Pond, options: dict[str, object], expected: AbstractSet[str]) -> None:
    assert tasks_that_run(built.project(**options)) == expected


def test_a_library_that_is_not_linked_any_more(built: Pond) -> None:
    """Layers above lose the folder, and with it their wrapper; without import checks, since it is needed."""
    tasks_that_run(built.project(check_imports=False))
    built.edit('requirements = ["frog"]', 'requirements = ["frog"]\ndynlib_exclude = ["**/libfrog*"]')
    expected = tasks("link archive export", "framework-frog", "app-newt") | MANIFESTS
    assert tasks_that_run(built.project(check_imports=False)) == expected


def test_an_environment_that_is_gone_is_built_where_it_is_needed(built: Pond) -> None:
    delete_environment(built)
    assert tasks_that_run(built.project(), Request(("lock", "build"))) == tasks("build link", "framework-frog")
    delete_runtime(built)
    assert tasks_that_run(built.project(), Request(("lock", "build"))) == tasks("build link", "py")
    delete_environment(built)
    delete_archive_and_metadata(built)
    expected = {*tasks("build link", "framework-frog"), "archive:framework-frog"}
    assert tasks_that_run(built.project()) == expected
