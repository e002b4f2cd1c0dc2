from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.specifications import SMALL, application, framework, module, runtime, stack_of
from venvstacks.errors import GraphError
from venvstacks.graph.compiler import compile_stack
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.model.draft import parse_draft
from venvstacks.model.layout import StackLayout
from venvstacks.model.own_packages import ProjectFolder, Projects
from venvstacks.model.platforms import PLATFORMS
from venvstacks.model.source_trees import SourceTree
from venvstacks.tools.module_files import read_source

LINUX = PLATFORMS["linux_x86_64"]
SAMPLE = Path(__file__).parents[3] / "sample_project"
PACKAGE = "packages/pond_survey"
PACKAGE_FILES = ("pyproject.toml", "src/pond_survey/__init__.py", "src/pond_survey/counts.csv")
CLIENT_FILES = ("__init__.py", "__main__.py", "growth.py", "pond.py")


def compiled(text: str = SMALL, platform: str = "linux_x86_64", **settings: object) -> TaskGraph:
    return compile_stack(stack_of(text), Configuration(PLATFORMS.get(platform), **settings))  # type: ignore[arg-type]


def as_json(graph: TaskGraph) -> str:
    table = {
        node.name: {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in vars(node).items()
            if value and key not in {"name", "kind", "env_name"}
        }
        for node in graph.nodes
    }
    return json.dumps({"sources": sorted(graph.sources), "tasks": table}, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("platform", ["linux_x86_64", "win_amd64"])
def test_the_compiled_sample_project(platform: str, check_golden: Callable[[str, str], None]) -> None:
    text = (SAMPLE / "venvstacks.toml").read_text(encoding="utf-8")
    sources = {path: module(path) for path in parse_draft(text, "").module_paths}
    client = "launch_modules/scipy_client"
    sources[client] = SourceTree(client, is_package=True, files=CLIENT_FILES)
    package = SourceTree(PACKAGE, is_package=True, files=PACKAGE_FILES)
    projects = Projects({PACKAGE: ProjectFolder(package, ("numpy",))})
    tools = {"uv": "1.2.3", "zstandard": "4.5.6"}
    providers = ("standalone", "host")
    configuration = Configuration(PLATFORMS[platform], tools=tools, runtime_providers=providers)
    name = "sample_graph.json" if platform == "linux_x86_64" else f"sample_graph_{platform}.json"
    check_golden(name, as_json(compile_stack(stack_of(text, sources, projects=projects), configuration)))


def test_the_files_of_the_sample_project_are_those_in_the_golden_graph() -> None:
    folder = SAMPLE / "launch_modules" / "scipy_client"
    assert tuple(sorted(file.name for file in folder.glob("*.py"))) == CLIENT_FILES
    package = read_source(SAMPLE, PACKAGE)
    assert package is not None
    assert package.files == PACKAGE_FILES


def test_every_layer_has_its_tasks() -> None:
    environments = ["py", "framework-fw", "app-app"]
    assert set(compiled().by_name) == {
        "manifest:archives",
        "manifest:exports",
        *(
            f"{kind}:{name}"
            for kind in ("lock", "build", "link", "check", "archive", "export")
            for name in environments
        ),
    }


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("lock:py", set()),
        ("lock:app-app", {"lock:py", "lock:framework-fw"}),
        ("build:py", {"lock:py"}),
        ("build:framework-fw", {"lock:framework-fw", "build:py"}),
        ("build:app-app", {"lock:app-app", "build:py"}),
        ("link:app-app", {"build:app-app", "link:framework-fw", "link:py"}),
        ("check:app-app", {"link:app-app", "link:framework-fw", "link:py", "check:framework-fw", "check:py"}),
        ("archive:app-app", {"link:app-app", "lock:app-app"}),
        ("export:app-app", {"link:app-app", "lock:app-app", "export:framework-fw", "export:py"}),
        ("manifest:archives", set()),
    ],
)
def test_what_each_task_requires(task: str, expected: set[str]) -> None:
    graph = compiled()
    assert graph.requires(graph.by_name[task]) == expected


def test_manifests_gather_what_is_there_and_follow_the_checks() -> None:
    graph = compiled()
    checks = {"check:py", "check:framework-fw", "check:app-app"}
    archives = {"archive:py", "archive:framework-fw", "archive:app-app"}
    assert graph.needs(graph.by_name["manifest:archives"]) == archives | checks
    assert (
        graph.needs(graph.by_name["manifest:exports"])
        == {name.replace("archive", "export") for name in archives} | checks
    )


def test_without_import_checks_nothing_speaks_of_them() -> None:
    graph = compiled(check_imports=False)
    assert not [node.name for node in graph.nodes if node.kind == "check" or node.follows]


def test_headers_are_checked_where_nothing_can_be_imported_or_where_that_is_wanted() -> None:
    name = "framework-fw"
    foreign = StackLayout(foreign="linux_x86_64")
    records = {
        "imports": compiled(),
        "both": compiled(check_headers=True),
        "headers": compiled(layout=foreign),
        "both, by an emulator": compiled(layout=foreign, emulator=("qemu",), check_headers=True),
    }
    written = {
        how: [path.split("/")[-2] for path in graph.by_name[f"check:{name}"].outputs] for how, graph in records.items()
    }
    assert written == {
        "imports": ["check"], "both": ["check", "headers"], "headers": ["headers"],
        "both, by an emulator": ["check", "headers"],
    }  # fmt: skip
    read = {how: f"check:{name}" in graph.requires(graph.by_name[f"archive:{name}"]) for how, graph in records.items()}
    assert read == {how: how != "imports" for how in records}


def test_disabled_layers_have_no_tasks() -> None:
    graph = compiled(runtime() + framework("fw", platforms=[]) + application("x", "fw"))
    assert {node.env_name for node in graph.nodes} == {"py", ""}


def test_layers_for_other_platforms_are_locked_only() -> None:
    graph = compiled(runtime() + application("x", platforms=["win_amd64"]))
    assert {node.kind for node in graph.nodes if node.env_name == "app-x"} == {"lock"}


def test_an_unknown_machine_can_lock() -> None:
    assert {node.kind for node in compiled(platform="plan9").nodes} == {"lock"}


def test_sources_are_inputs_of_builds_only() -> None:
    graph = compiled(SMALL + 'support_modules = ["lib/more"]\n')
    files = {"launch.py", "lib/more/__init__.py", "lib/more/__main__.py"}
    assert graph.sources == files
    assert {node.name for node in graph.nodes if files & set(node.inputs)} == {"build:app-app"}
    assert files <= set(graph.by_name["build:app-app"].inputs)


def test_local_wheels_are_inputs_of_every_lock() -> None:
    graph = compiled(local_wheels=("wheels/a.whl",))
    reading = {node.name for node in graph.nodes if "wheels/a.whl" in node.inputs}
    assert reading == {"lock:py", "lock:framework-fw", "lock:app-app"}


@pytest.mark.parametrize(
    ("versioned", "linked"),
    [
        ("py", {"py", "framework-fw", "app-app"}),
        ("framework-fw", {"framework-fw", "app-app"}),
        ("app-app", {"app-app"}),
    ],
)
def test_deployed_names_of_versioned_layers_come_from_their_locks(versioned: str, linked: set[str]) -> None:
    name = f'name = "{versioned.removeprefix("framework-").removeprefix("app-")}"'
    text = SMALL.replace(name, f"{name}\nversioned = true")
    metadata = StackLayout().lock_metadata(stack_of(text).by_env_name[versioned])
    links = [node for node in compiled(text).nodes if node.kind == "link"]
    assert {node.env_name for node in links if metadata in node.inputs} == linked


@pytest.mark.parametrize(("kind", "change"), [
    ("link", ('launch_module = "launch.py"', 'launch_module = "other.py"')),
    ("check", ("requirements = []\nlaunch", 'requirements = ["b"]\nlaunch')),
    ("link", ('launch_module = "launch.py"', 'launch_module = "launch.py"\nversioned = true')),
    ("link", ('launch_module = "launch.py"', 'launch_module = "launch.py"\ndynlib_exclude = ["x"]')),
    ("lock", ("requirements = []\nlaunch", 'requirements = ["b"]\nlaunch')),
    ("lock", ('launch_module = "launch.py"', 'launch_module = "launch.py"\nlinux_target = "glibc@2.34"')),
])  # fmt: skip
def test_what_counts_is_in_the_fingerprint(kind: str, change: tuple[str, str]) -> None:
    before, after = compiled(SMALL), compiled(SMALL.replace(*change))
    name = f"{kind}:app-app"
    assert before.by_name[name].fingerprint != after.by_name[name].fingerprint
    assert before.by_name[f"{kind}:framework-fw"] == after.by_name[f"{kind}:framework-fw"]


def test_swapping_launch_and_support_module_is_noticed() -> None:
    one = runtime() + application("x", launch_module="a.py", support_modules=["b.py"])
    two = runtime() + application("x", launch_module="b.py", support_modules=["a.py"])
    for kind in ("build", "link"):  # the build's record says which one it is, and published metadata says so
        assert compiled(one).by_name[f"{kind}:app-x"].fingerprint != compiled(two).by_name[f"{kind}:app-x"].fingerprint


def test_settings_reach_the_tasks_that_they_shape() -> None:
    plain = compiled(tools={"uv": "1", "zstandard": "1"})
    other = compiled(tools={"uv": "2", "zstandard": "2"}, archive_level=3, runtime_providers=("host",))
    differing = {name for name, node in plain.by_name.items() if node != other.by_name[name]}
    assert {name.partition(":")[0] for name in differing} == {"build", "archive"}
    assert "runtime_providers" not in plain.by_name["build:app-app"].fingerprint


def test_tagged_outputs() -> None:
    graph = compiled(tag_outputs=True)
    assert graph.by_name["archive:py"].outputs == ("_artifacts/__venvstacks__/env_metadata/py-linux_x86_64.json",)
    assert graph.by_name["manifest:archives"].outputs == ("_artifacts/__venvstacks__/venvstacks-linux_x86_64.json",)
    assert graph.by_name["export:py"].outputs == ("_export/__venvstacks__/env_metadata/py.json",)


def test_archives_and_exports_in_one_folder_are_refused() -> None:
    with pytest.raises(GraphError, match="does not hold together") as caught:
        compiled(layout=StackLayout(artifacts="out", export="out"))
    assert "archive:py and export:py both make out/__venvstacks__/env_metadata/py.json" in caught.value.details


def test_no_absolute_path_and_nothing_but_json_in_a_graph() -> None:
    graph = compiled()
    paths = [path for node in graph.nodes for path in (*node.inputs, *node.outputs, *node.gathers)]
    assert not [path for path in paths if path.startswith("/") or "\\" in path or "/../" in path]
    assert json.loads(as_json(graph))["tasks"].keys() == graph.by_name.keys()


def test_settings_are_as_records_give_them_back() -> None:
    """A tuple would differ from the list that was recorded, so that its task ran each time."""
    desktop = '[applications.desktop]\nname = "Frog"\ncategories = ["Office", "Game"]\n'
    for node in compiled(f"{SMALL}{desktop}").nodes:
        assert json.loads(json.dumps(node.fingerprint)) == node.fingerprint, node.name
