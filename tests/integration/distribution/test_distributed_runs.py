"""Runs whose tasks are done by workers: the same bytes, and what becomes of them when something is killed."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.dask_cluster import DaskCluster
from tests.support.distant_servers import distant
from tests.support.shared_stores import has_nginx, nginx
from tests.support.sharing_machines import Machine, first_machine_for
from tests.support.waiting import wait_until
from venvstacks.errors import ExitCode
from venvstacks.records.event_log import read_events

OPTIONS = ("--no-index", "--local-wheels", "wheels")
PLATFORM_PAIR = ("win_amd64", "macosx_arm64")


def start(machine: Machine, cluster: DaskCluster, *arguments: str) -> subprocess.Popen[str]:
    options = (*OPTIONS, "--on", cluster.address, "--remote-cache", machine.store)
    return machine.begin("build", "--publish", *options, *arguments)


@dataclass
class Story:
    """A machine whose run was interrupted, and then lost a worker.

    Attributes:
        machine: The machine.
        interrupted: Exit code and messages of the first run.
        lost: The worker that was killed.
        errors: Messages of the second run.
    """

    machine: Machine
    interrupted: tuple[int, str]
    lost: str
    errors: str


@pytest.fixture(scope="module")
def story(first: Machine, cluster: DaskCluster, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    machine = first.another(folder, folder / "store", python=True)
    run = start(machine, cluster)
    busy = cluster.working("build:py")
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=300)
    wait_until(lambda: not busy.tasks)
    interrupted = run.returncode, said

    run = start(machine, cluster, "--trace", "trace.json")
    lost = cluster.working("archive:py")
    lost.kill()
    assert "archive:py" in lost.tasks
    cluster.start_workers("three")
    _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said
    return Story(machine, interrupted, lost.name, said)


def test_an_interrupted_run_ends_what_it_has_started(story: Story) -> None:
    code, said = story.interrupted
    assert code == ExitCode.INTERRUPTED
    assert "finished tasks are kept" in said
    assert "Traceback" not in said


def test_what_workers_make_is_the_same_and_no_killed_one_matters(story: Story, first: Machine) -> None:
    assert story.machine.archives == first.archives
    assert [path.name for path in (story.machine.base / "_build").iterdir()] == [".venvstacks"]


def test_traces_and_logs_are_as_if_tasks_had_run_here(story: Story, first: Machine) -> None:
    events = json.loads((story.machine.base / "trace.json").read_text("utf-8"))["traceEvents"]
    workers = {event["name"]: event["args"]["worker"] for event in events if event["name"].startswith("archive:")}
    assert set(workers) == {f"archive:{name}" for name in ("py", "framework-base", "app-hello", "app-other")}
    assert set(workers.values()) <= {"one", "two", "three"}
    assert workers["archive:py"] != story.lost
    programs = [event for event in events if "argv" in event["args"]]
    assert programs
    assert not [event for event in programs if "/projects/" in json.dumps(event)]
    logs = "_build/.venvstacks/logs"
    assert {log.name for log in (story.machine.base / logs).iterdir()} >= {
        log.name for log in (first.base / logs).iterdir() if log.name.startswith("check-")
    }


def test_results_of_workers_are_shared(story: Story, tmp_path: Path) -> None:
    third = story.machine.another(tmp_path)
    assert {task.status for task in third.plan()} <= {"cached", "run", "up to date"}
    assert {task.name for task in third.plan() if task.status == "run"} == {"manifest:archives"}


def test_a_worker_with_other_tools_is_refused_by_name(story: Story, cluster: DaskCluster) -> None:
    offer = story.machine.command("worker", cluster.address, "--offer").stdout.strip()
    stranger = cluster.start_stranger("old", offer.replace("/uv-", "/uv-0.1."))
    try:
        story.machine.edit("hello.py", "import alpha\nprint('Hello', alpha.__version__)\n")
        wait_until(lambda: "Registered" in (cluster.folder / "old.log").read_text("utf-8"))
        run = start(story.machine, cluster)
        _, said = run.communicate(timeout=300)
        assert run.returncode == 0, said
        assert "note: worker old is not used: it has uv 0.1." in said
        assert "   cached" not in said
    finally:
        stranger.kill()
        stranger.wait()


def documented(option: str, cluster: DaskCluster, machine: Machine) -> list[str]:
    """The documented command with an option, for this scheduler and the store of a machine."""
    page = (Path(__file__).parents[3] / "docs/many-machines.md").read_text("utf-8")
    lines = [shlex.split(line) for line in page.splitlines() if line.startswith("venvstacks build")]
    line = next(line for line in lines if "--on" in line and option in line)
    known = {"tcp://build-server:8786": cluster.address, "/mnt/store": machine.store}
    return [known.get(word, word) for word in line[1:]]


def test_the_documented_commands(story: Story, cluster: DaskCluster) -> None:
    page = (Path(__file__).parents[3] / "docs/many-machines.md").read_text("utf-8")
    assert "\nvenvstacks worker tcp://build-server:8786 " in page, "as the cluster starts them"
    done = story.machine.command(*documented("--on", cluster, story.machine), *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert "21 up to date" in done.stderr


def test_one_run_publishes_for_several_platforms(cluster: DaskCluster, tmp_path: Path) -> None:
    alone = first_machine_for(tmp_path, *PLATFORM_PAIR)
    together = alone.another(tmp_path / "together", tmp_path / "together-store")
    done = together.command(*documented("--platform", cluster, together), *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert together.archives == alone.archives
    packed = {f"{layer}-{name}-1.tar.zst" for layer in ("py", "framework-base") for name in PLATFORM_PAIR}
    assert packed <= together.archives.keys()
    logs = [log for name in PLATFORM_PAIR for log in (together.base / "_build" / name).glob(".venvstacks/runs/*.jsonl")]
    ended = [event for log in logs for event in read_events(log) if event.event == "task ended"]
    assert {event.task: event.facts.get("worker") in {"one", "two", "three"} for event in ended} == {
        f"{kind}:{layer}": True for kind in ("build", "link", "check", "archive") for layer in ("py", "framework-base")
    } | {"manifest:archives": False}


@pytest.mark.skipif(not has_nginx(), reason="needs nginx")
def test_scheduler_and_store_may_be_far_away(story: Story, cluster: DaskCluster, tmp_path: Path) -> None:
    """There and back it is 50 ms."""
    near, far = (story.machine.another(tmp_path / name, python=True, built=True) for name in ("near", "far"))
    for machine in (near, far):
        machine.edit("other.py", "import alpha\nprint('from afar', alpha.__version__)\n")
    assert near.command("build", "--publish", *OPTIONS, "--remote-cache", "none").returncode == 0
    with nginx(tmp_path / "nginx") as store, distant(int(store.rpartition(":")[2]), 0.025) as place:
        far.store = f"http://127.0.0.1:{place}"
        with distant(cluster.port, 0.025) as scheduler:
            run = start(far, replace(cluster, address=f"tcp://127.0.0.1:{scheduler}"))
            _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said
    assert {line.split()[-1] for line in said.splitlines() if " s  " in line} == {
        *(f"{kind}:app-other" for kind in ("build", "link", "check", "archive")), "manifest:archives",
    }  # fmt: skip
    assert far.archives == near.archives


def test_a_lost_scheduler_is_an_error_and_workers_find_the_next_one(story: Story, cluster: DaskCluster) -> None:
    story.machine.edit("other.py", "import alpha\nprint('Other', alpha.__version__)\n")
    before = cluster.begun("build:app-other")
    run = start(story.machine, cluster)
    wait_until(lambda: cluster.begun("build:app-other") > before)
    assert cluster.scheduler is not None
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    _, said = run.communicate(timeout=300)
    assert run.returncode == ExitCode.BUILDING
    assert f"the scheduler at {cluster.address} is gone" in said
    assert "Traceback" not in said
    connected = cluster.connected
    cluster.start_scheduler()
    wait_until(lambda: cluster.connected > connected)
    run = start(story.machine, cluster)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 0, said


def test_without_a_scheduler_nothing_is_changed(story: Story) -> None:
    story.machine.edit("other.py", "import alpha\n")
    done = story.machine.command("build", "--publish", *OPTIONS, "--on", "tcp://127.0.0.1:9", "--remote-cache", "../s")
    assert done.returncode == ExitCode.BUILDING
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "dask scheduler" in done.stderr
