"""What the engine leans on and doit does not document: if one of these fails, doit has moved; see `engine/`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
from doit.action import BaseAction
from doit.control import TaskControl
from doit.dependency import Dependency, UptodateCalculator
from doit.exceptions import InvalidTask, TaskFailed
from doit.plugin import PluginDict
from doit.reporter import ConsoleReporter
from doit.runner import MRunner, MThreadRunner, Runner
from doit.task import Stream, dict_to_task

from tests.support.tiny_graphs import Bench
from venvstacks.engine.doit_state import ContentChecker, PathCodec, StateBackend
from venvstacks.engine.doit_tasks import Freshness, task_attributes
from venvstacks.engine.paths import Paths
from venvstacks.engine.reporter import Reporter


class NoteBackend:
    """Notes what doit does to a backend."""

    calls: ClassVar[list[tuple[Any, ...]]] = []

    def __init__(self, name: str, codec: object, *, module_name: str | None = None) -> None:
        self.name = name
        self.calls.append(("init", codec, module_name))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *arguments: self.calls.append((name, *arguments))


class Codec:
    pass


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> tuple[Dependency, list[tuple[Any, ...]]]:
    calls: ClassVar[list[tuple[Any, ...]]] = []
    monkeypatch.setattr(NoteBackend, "calls", calls)
    return Dependency(NoteBackend, "file", checker_cls=ContentChecker, codec_cls=Codec), calls


def test_codecs_are_made_from_a_class_without_arguments(noted: tuple[Dependency, list[tuple[Any, ...]]]) -> None:
    _, calls = noted
    assert calls[0][0] == "init"
    assert isinstance(calls[0][1], Codec)


def test_success_is_written_with_values_first_and_dependencies_last(
    noted: tuple[Dependency, list[tuple[Any, ...]]], tmp_path: Path
) -> None:
    dependency, calls = noted
    (tmp_path / "s").write_text("x")
    task = dict_to_task({"name": "t", "actions": None, "file_dep": [str(tmp_path / "s")]})
    dependency.save_success(task)
    keys = [call[2] for call in calls if call[0] == "set"]
    assert (keys[0], keys[-1]) == ("_values_:", "deps:")
    assert set(keys) == {"_values_:", "checker:", str(tmp_path / "s"), "deps:"}


def test_the_backend_protocol_is_what_ours_speaks(noted: tuple[Dependency, list[tuple[Any, ...]]]) -> None:
    dependency, calls = noted
    task = dict_to_task({"name": "t", "actions": None})
    dependency.ignore(task)
    dependency.remove_success(task)
    dependency.remove_all()
    dependency.get_values("t")
    dependency._in("t")
    dependency.close()
    used = [name for name, *_ in calls[1:]]
    assert used == ["set", "remove", "remove_all", "get", "in_", "dump"]
    assert all(hasattr(StateBackend, name) for name in used)


def test_doit_finds_our_backend_by_its_entry_point() -> None:
    plugins = PluginDict()
    plugins.add_plugins({}, "BACKEND")
    assert plugins.get_plugin("venvstacks") is StateBackend


def test_runners_take_and_hold_what_ours_uses() -> None:
    names = list(inspect.signature(MThreadRunner.__init__).parameters)
    assert names[1:] == ["dep_manager", "reporter", "continue_", "always_execute", "stream", "num_process"]
    runner = MThreadRunner(None, None, True, False, Stream(0, True), 3)  # noqa: FBT003 - doit's signature
    assert (runner._stop_running, runner.continue_, runner.final_result, runner.num_process) == (False, True, 0, 3)
    assert issubclass(MThreadRunner, MRunner)
    for name in ("select_task", "process_task_result", "_handle_task_error", "teardown"):
        assert callable(getattr(Runner, name)), name
    assert "_stop_running" in inspect.getsource(MRunner.get_next_job)
    assert "_handle_task_error" in inspect.getsource(Runner.process_task_result)


def test_nodes_name_the_dependencies_that_failed() -> None:
    tasks = [dict_to_task({"name": name, "actions": None}) for name in "ab"]
    control = TaskControl(tasks)
    control.process(None)
    node = control.task_dispatcher()._gen_node(None, "a")
    assert (node.bad_deps, node.run_status, node.task.name) == ([], None, "a")


def test_the_reporter_has_every_method_of_doits() -> None:
    theirs = {name for name, _ in inspect.getmembers(ConsoleReporter, inspect.isfunction) if not name.startswith("_")}
    assert theirs - {"write"} <= set(dir(Reporter))


def test_uptodate_callables_are_set_up_and_their_savers_kept(tmp_path: Path) -> None:
    seen: list[object] = []

    class Check(UptodateCalculator):  # type: ignore[misc] # doit has no types
        def setup(self, dep_manager: Dependency, tasks_dict: object) -> None:
            seen.append((dep_manager, tasks_dict))

        def __call__(self, task: Any, values: object) -> bool:
            task.value_savers[:] = [lambda: {"saved": 1}]
            seen.append(values)
            return False

    codec = PathCodec.bound_to(Paths(tmp_path, Path.cwd()))
    dependency = Dependency(StateBackend, str(tmp_path / "db"), checker_cls=ContentChecker, codec_cls=codec)
    task = dict_to_task({"name": "t", "actions": None, "uptodate": [Check()]})
    assert dependency.get_status(task, {"t": task}).status == "run"
    assert seen == [(dependency, {"t": task}), {}]
    task.save_extra_values()
    dependency.save_success(task)
    dependency.close()
    again = Dependency(StateBackend, str(tmp_path / "db"), checker_cls=ContentChecker, codec_cls=codec)
    assert again.get_values("t") == {"saved": 1}
    again.close()


def test_tasks_keep_our_action_and_check(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    graph = bench.graph
    task = dict_to_task({"name": "a", **task_attributes(graph.by_name["a"], graph, bench.engine_run())})
    (action,) = task.actions
    assert isinstance(action, BaseAction)
    assert isinstance(task.uptodate[0][0], Freshness)
    assert action.freshness is task.uptodate[0][0]
    assert {"task", "out", "err", "result", "values"} <= set(vars(action)), "what doit reads and writes of an action"


def test_a_failing_action_is_an_object(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    graph = bench.graph
    engine_run = bench.engine_run()
    action = task_attributes(graph.by_name["a"], graph, engine_run)["actions"][0]
    assert action.execute() is not None, "a task that was never checked cannot run"
    engine_run.lock.release()  # an action holds the build folder until its run ends
    assert isinstance(TaskFailed("x").get_msg(), str)


def test_another_database_of_doit_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    graph = bench.graph
    task = dict_to_task({"name": "a", **task_attributes(graph.by_name["a"], graph, bench.engine_run())})
    foreign = Dependency(NoteBackend, "file", codec_cls=Codec)
    with pytest.raises(InvalidTask, match="DOIT_CONFIG"):
        foreign.get_status(task, {"a": task})
