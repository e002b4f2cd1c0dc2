"""A second machine publishes from a store: no Python, no wheel, nothing installed, the same bytes."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.support.shared_stores import has_nginx, nginx
from tests.support.sharing_machines import Machine, statuses
from venvstacks.api import Request, run

LAYERS = ("py", "framework-base", "app-hello", "app-other")
MADE = [f"{kind}:{name}" for kind in ("build", "link", "check", "archive") for name in LAYERS]
BELOW = [f"{kind}:{name}" for kind in ("build", "link") for name in ("py", "framework-base")]
HELLO = ["build:app-hello", "link:app-hello", "check:app-hello", "archive:app-hello"]


def of_status(found: dict[str, str], status: str) -> set[str]:
    return {name for name, one in found.items() if one == status}


def test_a_second_machine_installs_nothing(first: Machine, tmp_path: Path) -> None:
    second = first.another(tmp_path)
    planned = {task.name: task.status for task in second.plan()}
    assert of_status(planned, "cached") == set(MADE)
    assert second.plan().cached_bytes > sum(len(content) for content in first.archives.values())
    done = statuses(second.run())
    assert of_status(done, "cached") == set(MADE)
    assert of_status(done, "done") == {"manifest:archives"}
    assert second.archives == first.archives
    assert [path.name for path in (second.base / "_build").iterdir()] == [".venvstacks"]
    assert not (second.base / ".cache").exists()
    assert not (second.base / ".uv").exists()
    assert set(statuses(second.run()).values()) == {"up to date"}


def test_one_changed_byte_costs_one_layer(first: Machine, tmp_path: Path) -> None:
    second = first.another(tmp_path, python=True)
    second.edit("hello.py", "import alpha\nprint('Hello', alpha.__version__)\n")
    planned = {task.name: task.status for task in second.plan()}
    report = second.run(options={"push": True})
    done = statuses(report)
    rest = set(MADE) - {*HELLO, *BELOW}
    assert of_status(planned, "cached") == of_status(done, "cached") == rest, "what it is built in is built again"
    assert of_status(done, "done") == {*HELLO, *BELOW, "manifest:archives"}
    assert {name for name, content in first.archives.items() if second.archives.get(name) != content} == {
        "app-hello.tar.zst", "app-hello.files.json.gz",
    }  # fmt: skip

    third = first.another(tmp_path / "third")
    third.edit("hello.py", "import alpha\nprint('Hello', alpha.__version__)\n")
    assert of_status(statuses(third.run()), "cached") == set(MADE), "and the others get it"
    assert third.archives == second.archives


def test_environments_of_earlier_states_do_not_stay(first: Machine, tmp_path: Path) -> None:
    """What is fetched describes another environment than the one that lies there from the last build."""
    ours = first.another(tmp_path, python=True, built=True)
    hello = ours.base / "_build/app-hello/lib/python3.11/site-packages/hello.py"
    ours.edit("hello.py", "print('ours')\n")
    assert of_status(statuses(ours.run("build")), "done") == set(HELLO) - {"archive:app-hello"}
    assert hello.read_text("utf-8") == "print('ours')\n"
    ours.edit("hello.py", (first.base / "hello.py").read_text("utf-8"))

    assert of_status(statuses(ours.run()), "cached") == set(HELLO) - {"archive:app-hello"}
    assert not hello.exists(), "it is not what the record says"
    assert ours.archives == first.archives
    assert of_status(statuses(ours.run("build")), "done") == {"build:app-hello", "link:app-hello"}
    assert hello.read_text("utf-8") == (first.base / "hello.py").read_text("utf-8")


def test_what_is_damaged_in_a_store_is_made_here(first: Machine, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(first.store, store)
    cut = next(path for path in (store / "cas").iterdir() if path.read_bytes() == first.archives["app-hello.tar.zst"])
    cut.write_bytes(cut.read_bytes()[:-1])
    second = first.another(tmp_path, store, python=True)
    report = second.run()
    assert "archive:app-hello" in of_status(statuses(report), "done")
    assert second.archives == first.archives
    assert [note for note in report.notes if "is not used" in note and cut.name in note] == list(report.notes)


def test_a_changed_environment_is_not_shared(first: Machine, tmp_path: Path) -> None:
    """Somebody tries something in an environment; then a setting changes, so that it is linked again, and pushed."""
    store = tmp_path / "store"
    shutil.copytree(first.store, store)
    second = first.another(tmp_path, store, python=True, built=True)
    (second.base / "_build/app-hello/lib/python3.11/site-packages/hello.py").write_text("print('tried')\n", "utf-8")
    specification = (second.base / "venvstacks.toml").read_text("utf-8")
    excluding = [f'launch_module = "{name}.py"\n' for name in ("hello", "other")]
    for line in excluding:
        specification = specification.replace(line, f'{line}dynlib_exclude = ["x"]\n')
    second.edit("venvstacks.toml", specification)
    done = statuses(second.run("build", options={"push": True}))
    assert of_status(done, "done") == {"link:app-hello", "link:app-other"}

    third = first.another(tmp_path / "third", store, python=True)
    third.edit("venvstacks.toml", specification)
    planned = {task.name: task.status for task in third.plan()}
    assert [planned[name] for name in ("link:app-other", "link:app-hello", "check:app-hello")] == [
        "cached",
        "run",
        "run",
    ]


PAGE = (Path(__file__).parents[3] / "docs/many-machines.md").read_text("utf-8")
OPTIONS = ("--local-wheels", "wheels", "--no-index")


def documented(heading: str) -> list[list[str]]:
    """The commands below a heading of the page, without the program's name and what a shell does."""
    section = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line.partition(" > ")[0] for line in section.splitlines() if line.startswith("venvstacks ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_the_documented_shared_folder(first: Machine, tmp_path: Path) -> None:
    push, plan, build = documented("2. A shared folder")
    options = OPTIONS
    store = tmp_path / "store"
    shutil.copytree(first.store, store)
    ours, theirs = first.another(tmp_path, built=True), first.another(tmp_path / "theirs")
    store.rename(tmp_path / "theirs/store")
    assert ours.command(*push, *options).returncode == 0
    planned = theirs.command(*plan, *options)
    assert "16 cached" in planned.stdout, planned.stderr
    assert "would come from the remote cache" in planned.stdout
    built = theirs.command(*build, *options)
    assert built.returncode == 0, built.stderr
    assert "   cached  archive:app-hello" in built.stderr
    assert "16 cached" in built.stderr
    why = theirs.command("why", "venvstacks.toml", "archive:app-hello")
    assert "came from the remote cache" in why.stdout
    assert theirs.archives == first.archives


def test_the_documented_state_and_jobs(first: Machine, tmp_path: Path) -> None:
    machine = first.another(tmp_path)
    key, plan = documented("1. State in CI")
    assert "_artifacts/__venvstacks__" in machine.command(*key).stdout
    assert machine.command(*plan, *OPTIONS).returncode == 10
    _, _, matrix, pipeline = documented("One job for each platform")
    jobs = json.loads(machine.command("-q", *matrix, *OPTIONS).stdout)
    assert [(job["platform"], job["runner"]) for job in jobs["include"]] == [("linux_x86_64", "ubuntu-latest")]
    assert "part-linux_x86_64" in machine.command("-q", *pipeline, *OPTIONS).stdout


def test_the_documented_upkeep_of_a_store(first: Machine, tmp_path: Path) -> None:
    machine = first.another(tmp_path)
    shutil.copytree(first.store, tmp_path / "store")
    size, prune, verify = (machine.command(*line) for line in documented("Keeping a store small"))
    assert "blobs" in size.stdout
    assert prune.stdout.startswith("0 bytes would be removed")
    assert ", 0 damaged" in verify.stdout


@pytest.mark.skipif(not has_nginx(), reason="needs nginx")
def test_the_documented_cache_server(first: Machine, tmp_path: Path) -> None:
    """nginx serves a folder of results as it is."""
    ((*build, _),) = documented("3. A cache server")
    machine = first.another(tmp_path)
    with nginx(tmp_path / "server") as url:
        shutil.copytree(first.store, tmp_path / "server/root", dirs_exist_ok=True)
        built = machine.command(*build, url, *OPTIONS)
    assert "16 cached" in built.stderr
    assert machine.archives == first.archives


def test_what_a_renamed_layer_has_left_is_removed(first: Machine, tmp_path: Path) -> None:
    """Environments, records, logs, locks, archives and exports; files of people stay."""
    ours = first.another(tmp_path, python=True, built=True)
    assert not ours.run("export", include=("app-hello",)).failures
    (ours.base / "requirements/app-hello/notes.txt").write_text("mine", "utf-8")
    specification = ours.base / "venvstacks.toml"
    text = specification.read_text("utf-8").replace('name = "hello"', 'name = "hi"')
    (ours.base / "second.toml").write_text(text.replace('name = "hi"', 'name = "third"'), "utf-8")
    specification.write_text(text, "utf-8")
    assert "kept  _artifacts/app-hello" in (early := ours.command("clean")).stderr
    assert "the manifest still names it" in early.stderr
    assert "removed  _export/app-hello" in early.stdout
    assert "removed  _build/app-hello" in early.stdout
    assert not run(ours.project(), Request(("lock", "build", "publish"))).failures
    assert "it was published within the last hour" in ours.command("clean", "--dry-run").stderr
    for place in (ours.base / "_artifacts/__venvstacks__/earlier").iterdir():
        place.rename(place.with_name(re.sub(r"\.\d{8}T", ".20200101T", place.name)))
    planned = ours.command("clean", "--dry-run").stdout
    done = ours.command("clean").stdout
    assert done == planned.replace("would remove", "removed")
    left = {path.relative_to(ours.base).as_posix() for path in ours.base.rglob("*hello*")}
    theirs = (".cache/", ".uv/", "_build/py/", "_export/py/", "_build/app-hi/")  # the Python's own, and the new layer's
    assert {path for path in left if not path.startswith(theirs)} == {"hello.py", "requirements/app-hello"}
    assert [path.name for path in (ours.base / "requirements/app-hello").iterdir()] == ["notes.txt"]
    assert ours.command("clean").stderr == "former layers have left nothing\n"
    assert set(statuses(ours.run()).values()) == {"up to date"}


def test_a_cache_that_is_down_costs_one_line(first: Machine, tmp_path: Path) -> None:
    plan = first.another(tmp_path, "http://127.0.0.1:9/cache").plan()
    assert {task.status for task in plan} == {"run", "up to date"}
    assert len(plan.remarks) == 1
    assert "left alone" in plan.remarks[0]
