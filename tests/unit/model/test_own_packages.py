"""Which packages a layer takes from source, by its requirements, declared sources and what projects require."""

from __future__ import annotations

import pytest

from tests.support.specifications import application, runtime, stack_of, the_fault_of
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.model.own_packages import ProjectFolder, Projects
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.sources import Source
from venvstacks.model.stack import Stack


def project(path: str, *requirements: str, **sources: Source) -> ProjectFolder:
    tree = SourceTree(path, is_package=True, files=("pyproject.toml", "src/x.py"))
    return ProjectFolder(tree, requirements, {name: (source,) for name, source in sources.items()})


def stack_with(layers: str, sources: str = "", **projects: ProjectFolder) -> Stack:
    text = f"{layers}[tool.uv.sources]\n{sources}\n"
    return stack_of(text, projects=Projects(projects, {"member": "member"} if "member" in projects else {}))


def used(stack: Stack, env_name: str) -> dict[str, tuple[str, ...]]:
    return {use.package.name: use.targets for use in stack.by_env_name[env_name].own}


LINUX = {"platforms": ["linux_x86_64"]}


def test_a_source_holds_where_its_package_is_required() -> None:
    layers = runtime(**LINUX) + application("one", requirements=["Lib>=1"]) + application("two", requirements=["other"])
    stack = stack_with(layers, 'lib = { path = "lib" }', lib=project("lib"))
    assert (used(stack, "app-one"), used(stack, "app-two")) == ({"lib": ("linux_x86_64",)}, {})
    assert list(stack.own_packages) == ["lib"]


def test_projects_bring_their_own_sources() -> None:
    layers = runtime(**LINUX) + application("one", requirements=["top"])
    parts = {
        "top": project(
            "top", "middle; python_version < '4'", "absent; python_version < '3'", middle=Source(path="middle")
        ),
        "middle": project("middle", "low", low=Source(git="https://host/low")),
    }
    stack = stack_with(layers, 'top = { path = "top" }', **parts)
    assert set(used(stack, "app-one")) == {"top", "middle", "low"}


def test_the_specification_goes_before_projects() -> None:
    layers = runtime(**LINUX) + application("one", requirements=["top"])
    parts = {"top": project("top", "low", low=Source(path="elsewhere")), "low": project("low")}
    stack = stack_with(layers, 'top = { path = "top" }\nlow = { path = "low" }', **parts)
    (low, _) = stack.by_env_name["app-one"].own
    assert low.package.source.path == "low"


def test_markers_choose_for_each_platform() -> None:
    layers = runtime(platforms=["linux_x86_64", "win_amd64"]) + application("one", requirements=["lib"])
    sources = "lib = [{ path = 'lib', marker = \"sys_platform == 'win32'\" }]"
    assert used(stack_with(layers, sources, lib=project("lib")), "app-one") == {"lib": ("win_amd64",)}


def test_references_and_members_of_the_workspace() -> None:
    requirements = ["tool @ git+https://host/tool@v1", "member", "file @ file:archive.tar.gz"]
    layers = runtime(**LINUX) + application("one", requirements=requirements)
    archive = ProjectFolder(SourceTree("archive.tar.gz", is_package=False, files=("",)))
    parts = {"member": project("member"), "archive.tar.gz": archive}
    stack = stack_with(layers, "member = { workspace = true }", **parts)
    sources = {use.package.name: use.package.source.label for use in stack.by_env_name["app-one"].own}
    assert sources == {"file": "path archive.tar.gz", "member": "path member", "tool": "git https://host/tool@v1"}


def test_each_python_builds_its_own() -> None:
    second = runtime("other", python_implementation="cpython@3.12.1")
    layers = runtime(**LINUX) + second.replace("requirements", 'platforms = ["linux_x86_64"]\nrequirements')
    one = application("one", requirements=["lib"])
    two = application("two", requirements=["lib"]).replace('runtime = "py"', 'runtime = "other"')
    stack = stack_with(layers + one + two, 'lib = { path = "lib" }', lib=project("lib"))
    assert list(stack.own_packages) == ["lib@cpython-3.11.7", "lib@cpython-3.12.1"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('{ path = "nowhere" }', "lib: there is no project or archive 'nowhere'"),
        ("{ workspace = true }", "lib: 'lib' is not a member of a uv workspace"),
    ],
)
def test_sources_that_are_not_there(source: str, message: str) -> None:
    layers = runtime(**LINUX) + application("one", requirements=["lib"])
    fault = the_fault_of(f"{layers}[tool.uv.sources]\nlib = {source}\n")
    assert (fault.key, message in fault.message) == ("requirements", True)


def test_wheels_are_tasks_before_locks_and_builds() -> None:
    layers = runtime(**LINUX) + application("one", requirements=["lib"]) + application("two", requirements=["other"])
    stack = stack_with(layers, 'lib = { path = "lib" }', lib=project("lib"))
    graph = compile_stack(stack, Configuration(PLATFORMS["linux_x86_64"]))
    wheel = graph.by_name["wheel:lib"]
    assert wheel.inputs == ("lib/pyproject.toml", "lib/src/x.py")
    assert wheel.outputs == ("requirements/wheels/lib.json",)
    assert {name for name, node in graph.by_name.items() if "wheel:lib" in graph.requires(node)} == {
        "lock:app-one",
        "build:app-one",
    }
