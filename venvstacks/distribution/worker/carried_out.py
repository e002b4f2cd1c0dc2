"""Carries out an order: the project in a folder of the worker, the task with what it needs, the result in the store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from venvstacks.actions.run_options import RunOptions
from venvstacks.api.predictions import opened_results
from venvstacks.api.runs import Tasks, held_folder
from venvstacks.distribution.orders import Answer, Failure, Order
from venvstacks.distribution.travelling_inputs import ReceivedInputs
from venvstacks.engine.cancellation import Cancellation
from venvstacks.engine.outcomes import Outcome, Silence
from venvstacks.errors import BuildError, InterruptedRunError, VenvstacksError
from venvstacks.loading.project import Project
from venvstacks.loading.remote_cache import SECRET_VARIABLE
from venvstacks.planning.requests import Request, RequestedRun, task_actions
from venvstacks.records.event_log import read_events
from venvstacks.records.input_facts import input_digest
from venvstacks.sharing.action_result import ActionResult
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.sharing.result_stores import StoreAccess, open_store

_LONGEST_LOG = 256 << 10


@dataclass(frozen=True)
class Workplace:
    """What a worker does orders with.

    Attributes:
        name: The worker's name.
        environment: Its environment variables.
        store: The store that it was started with, if any.
        jobs: Threads of a task, and tasks at a time where environments are created that a task works in.
        cache: Folder for downloads and prepared Pythons; None for the usual one.
    """

    name: str
    environment: Mapping[str, str] = field(repr=False)
    store: str | None = field(default=None, repr=False)
    jobs: int = 1
    cache: str | None = None

    def store_of(self, order: Order) -> str:
        """The URL of the store that an order's files travel through.

        Raises:
            BuildError: Neither the worker nor the order names one.
        """
        url = self.store or order.store
        if url is None:
            raise BuildError(
                f"worker {self.name} was started without a store",
                hint="start it with --remote-cache: the URL of the run holds a login, which is not sent",
            )
        return url


@dataclass
class ProjectFolder:
    """The folder in which a worker does the tasks of one project.

    Attributes:
        folder: The folder.
        inputs: What was fetched into it.
        sound: Which environments there are as they were built; nobody else works there.
    """

    folder: Path
    inputs: ReceivedInputs
    sound: dict[str, bool] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> ProjectFolder:
        """The folder at a path."""
        return cls(folder, ReceivedInputs(folder))


@dataclass(frozen=True)
class _Done:
    outcome: Outcome
    result: ActionResult | None
    trouble: tuple[str, ...]
    events: Path | None


def carry_out(order: Order, workplace: Workplace, folder: ProjectFolder, cancellation: Cancellation) -> Answer:
    """Do the task of an order; what goes wrong is part of the answer."""
    project: Project | None = None
    try:
        project = _received(order, workplace, folder, cancellation)
        done = _run(order, project, cancellation, folder.sound)
        answer = _answer(done, project, workplace.name)
    except InterruptedRunError:
        return Answer(workplace.name, interrupted=True)
    except VenvstacksError as error:
        answer = Answer(workplace.name, failure=Failure.of(error))
    return _as_if_there(answer, project, order) if project else answer


def _received(order: Order, workplace: Workplace, folder: ProjectFolder, cancellation: Cancellation) -> Project:
    """The project of an order, with the files that its task reads."""
    url, environment = workplace.store_of(order), workplace.environment
    access = StoreAccess(url, folder.folder, environment, lambda: cancellation.is_cancelled)
    secret = environment.get(SECRET_VARIABLE, "").encode("utf-8", "surrogateescape") or None
    store = CarefulStore(open_store(access), url, secret=secret, push=False)
    try:
        options = {"remote_cache": url, "push": True, "jobs": workplace.jobs, "cache": workplace.cache}
        return folder.inputs.fetch(order.inputs, store, environment, options)
    except OSError as error:
        raise BuildError(f"worker {workplace.name} cannot write its folder: {error}", hint="check its disk") from error
    finally:
        store.close()


def _run(order: Order, project: Project, cancellation: Cancellation, sound: dict[str, bool]) -> _Done:
    """Do the task, and what it works in; a result that is here already is offered, or else made again."""
    for forced in [True] if order.forced else [False, True]:
        done = _run_once(order, project, cancellation, sound, forced=forced)
        if done.result or done.outcome.status != "up to date":
            break
    return done


def _run_once(
    order: Order, project: Project, cancellation: Cancellation, sound: dict[str, bool], *, forced: bool
) -> _Done:
    node, graph = project.graph.by_name[order.task], project.graph.closure([order.task])
    graph = graph.without({each.name for each in graph.nodes if each.kind in {"lock", "wheel"}})  # they came
    options = RunOptions(lock_policy="require-valid", use_index=project.options.use_index, force_archives=forced)
    requested = RequestedRun(graph, frozenset({order.task} if forced else ()), options)
    actions = task_actions(project, options)

    def digest(path: str) -> str | None:
        with contextlib.suppress(OSError):
            return input_digest(project.base / path)
        return None

    with (
        held_folder(project, actions, Silence(), cancellation) as (lock, journal),
        opened_results(project, actions, cancellation, sound) as shared,
    ):
        request = Request(("build", "publish"), lock_policy="require-valid")
        tasks = Tasks(project, request, actions, lock, journal, cancellation, shared)
        _, outcomes = tasks.run(requested, Silence())
        outcome = next(each for each in outcomes if each.name == order.task)
        failed = next((each for each in outcomes if each.status == "failed"), None)
        if failed is not None:  # the task itself, or what creates an environment that it works in
            return _Done(failed, None, tuple(shared.store.trouble), journal.path)
        result = None
        if outcome.values is not None or shared.find(node, digest) is not None:
            result = shared.deliver(node, digest, outcome.values or {})
        return _Done(outcome, result, tuple(shared.store.trouble), journal.path)


def _answer(done: _Done, project: Project, worker: str) -> Answer:
    error = done.outcome.error
    if error is not None and not isinstance(error, VenvstacksError):
        raise error  # a defect of this program
    log = project.base / project.configuration.layout.log(done.outcome.name)
    text = ""
    with contextlib.suppress(OSError):
        text = log.read_bytes()[-_LONGEST_LOG:].decode("utf-8", errors="replace")
    return Answer(
        worker,
        seconds=done.outcome.seconds,
        result=done.result.model_dump_json() if done.result else None,
        failure=Failure.of(error) if error else None,
        log=text,
        events=tuple(_processes(done)),
        trouble=done.trouble,
    )


def _processes(done: _Done) -> Iterator[dict[str, Any]]:
    """Facts about the processes of a task, each with the seconds from their end to that of the task."""
    if done.events is None:
        return
    events = [event for event in read_events(done.events) if event.task == done.outcome.name]
    end = max((event.at for event in events), default=0.0)
    for event in events:
        if event.event == "process ended":
            yield {**event.facts, "ago": round(end - event.at, 4)}


def _as_if_there(answer: Answer, project: Project, order: Order) -> Answer:
    """An answer whose texts name the folder of the run, instead of the worker's."""

    def moved(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        return json.loads(json.dumps(value).replace(json.dumps(str(project.base))[1:-1], json.dumps(order.base)[1:-1]))

    failure = answer.failure
    if failure is not None:
        texts = moved([failure.message, failure.hint, failure.details])
        failure = Failure(failure.kind, texts[0], texts[1], tuple(texts[2]))
    return replace(answer, log=moved(answer.log), events=tuple(moved(answer.events)), failure=failure)
