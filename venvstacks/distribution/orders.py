"""What is sent to a worker and what comes back, and the functions by which Dask calls a worker.

Files travel through the store of shared results. Errors travel as values: a class that is not what the other side has
would fail to load there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from venvstacks import errors
from venvstacks.errors import VenvstacksError

if TYPE_CHECKING:
    from distributed import Worker

PLUGIN = "venvstacks"
"""Name of the plugin of Dask's worker that does tasks."""


@dataclass(frozen=True)
class Order:
    """A task that a worker is to do.

    Attributes:
        run: The run that wants it; unique.
        base: The folder of the specification, as messages name it.
        task: The task's name.
        inputs: The key of the record that lists the project and the task's inputs.
        forced: Whether it is to be done although its result may be known.
        store: The store of the run, for workers that were started without one; None if its URL holds a login.
    """

    run: str
    base: str
    task: str
    inputs: str
    forced: bool
    store: str | None = field(repr=False)


@dataclass(frozen=True)
class Failure:
    """An error as a value.

    Attributes:
        kind: Name of its class.
        message: As in `VenvstacksError`.
        hint: The same.
        details: The same.
    """

    kind: str
    message: str
    hint: str | None
    details: tuple[str, ...]

    @classmethod
    def of(cls, error: VenvstacksError) -> Failure:
        """The value of an error."""
        simple = next(kind for kind in type(error).__mro__ if _is_simple(kind))
        return cls(simple.__name__, error.message, error.hint, error.details)

    def as_error(self) -> VenvstacksError:
        """The error."""
        kind = getattr(errors, self.kind, VenvstacksError)
        error: VenvstacksError = (kind if _is_simple(kind) else VenvstacksError)(
            self.message, hint=self.hint, details=self.details
        )
        return error


def _is_simple(kind: type) -> bool:
    """Whether a class of errors is made from message, hint and details."""
    return issubclass(kind, VenvstacksError) and kind.__init__ is VenvstacksError.__init__


@dataclass(frozen=True)
class Answer:
    """What came of an order.

    Attributes:
        worker: Name of the worker.
        seconds: How long the task took there.
        result: The `ActionResult` as JSON; its files are in the store.
        failure: Why the task failed.
        log: What its child processes printed.
        events: Facts about child processes that have ended, each with `ago`, the seconds from then to the task's end.
        trouble: Why the worker left its store alone, if it did.
        interrupted: Whether the worker was ended before the task was done.
    """

    worker: str
    seconds: float = 0.0
    result: str | None = None
    failure: Failure | None = None
    log: str = ""
    events: tuple[dict[str, Any], ...] = ()
    trouble: tuple[str, ...] = ()
    interrupted: bool = False


def carry_out(order: Order) -> Answer:
    """Do a task; Dask calls this in a thread of a worker.

    Raises:
        RuntimeError: The worker offers to do tasks, but was not started as one that can.
    """
    from distributed import get_worker  # noqa: PLC0415 - an extra

    worker = get_worker()
    plugin: Any = worker.plugins.get(PLUGIN)
    if plugin is None:
        raise RuntimeError(f"{worker.name} is no worker of venvstacks: start it with `venvstacks worker`")
    answer: Answer = plugin.carry_out(order)
    return answer


def end_run(run: str, dask_worker: Worker) -> None:
    """End what a worker does for a run; Dask calls this in the worker's event loop."""
    plugin: Any = dask_worker.plugins.get(PLUGIN)
    if plugin is not None:
        plugin.end_run(run)
