"""A Dask scheduler with its workers, as one run uses them: which workers fit, what they are asked, what is lost."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING

from venvstacks.distribution.orders import Answer, Order, carry_out, end_run
from venvstacks.distribution.placement import Placement
from venvstacks.distribution.worker_offers import Offer, refusals
from venvstacks.errors import BuildError, InterruptedRunError, UsageError
from venvstacks.urls import without_logins

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_SECONDS = 10
WORKERS_SECONDS = 15.0
"""How long a run waits for a first worker; those of a restarted scheduler come back within some seconds."""

LOST_SECONDS = 30.0
"""How long a run waits for a scheduler or for workers that are gone."""

MOST_DEATHS = 4
"""How many workers may die while they do one task."""

_WATCH_SECONDS = 1.0
_LOOK_SECONDS = 0.5
_FETCH_SECONDS = 5.0
"""How long an answer may take from its worker to here."""

_ATTEMPTS = 10
"""How often a task is sent, where its worker was ended or its scheduler was started again."""


@contextlib.contextmanager
def connected_client(address: str) -> Iterator[Client]:
    """A connection to a scheduler, until the block ends.

    Raises:
        BuildError: No scheduler answers.
    """
    from distributed import Client  # noqa: PLC0415 - an extra

    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, ImportError) as error:  # TimeoutError is an OSError
        raise BuildError(
            f"no Dask scheduler answers at {without_logins(address)} ({str(error).partition(chr(10))[0]})",
            hint="start one with `dask scheduler`, and name it as tcp://HOST:8786",
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            client.close(timeout=2)


class _LostWorkerError(Exception):
    """The worker that a task was sent to is gone."""


class Cluster:
    """A scheduler with its workers, as one run uses them; from several threads.

    Args:
        client: The connection.
        address: Of the scheduler.
        offer: What workers have to offer.
        placement: Chooses tasks and workers.
    """

    def __init__(self, client: Client, address: str, offer: Offer, placement: Placement) -> None:
        self.run = secrets.token_hex(8)
        self._client = client
        self._address = without_logins(address)
        self._offer = offer
        self.placement = placement
        self._addresses: Mapping[str, str] = {}
        self._stopped = threading.Event()
        self._closed = threading.Event()
        self._ending: list[threading.Thread] = []
        self._futures: set[Future[Answer]] = set()
        self._trouble = ""
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def await_workers(self) -> tuple[int, tuple[str, ...]]:
        """How many tasks fitting workers do at a time, and remarks about others; waits for a first one.

        Raises:
            UsageError: There is none.
        """
        deadline = time.monotonic() + WORKERS_SECONDS
        while True:
            workers = self._workers()
            slots = sum(int(resources.get(self._offer.resource, 0)) for resources in workers.values())
            refused = refusals(self._offer, workers)
            if slots or refused or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        lines = tuple(f"worker {name} is not used: it {why}" for name, why in sorted(refused.items()))
        if not slots:
            raise UsageError(
                f"no worker of {self._address} can do the tasks of this run",
                details=lines,
                hint=f"start `venvstacks worker {self._address}` from the same release on {self._offer.platform}, "
                f"with {self._offer}",
            )
        self._watching.start()
        return slots, lines

    def _workers(self) -> dict[str, Mapping[str, float]]:
        """The resources of all workers, by name; those that fit are given to the placement."""
        found = self._client.scheduler_info(n_workers=-1)["workers"]
        fitting = {str(w["name"]): address for address, w in found.items() if self._offer.resource in w["resources"]}
        doing = self._client.processing()
        crowded = [  # a worker may have come or gone between the two answers
            name for name, address in fitting.items() if any(self.run not in str(key) for key in doing.get(address, ()))
        ]
        self._addresses = fitting
        self.placement.update(fitting, crowded)
        return {str(worker["name"]): worker["resources"] for worker in found.values()}

    def ask(self, order: Order, priority: float) -> Answer:
        """Have an order carried out by one of the workers; by another one if that is lost.

        Raises:
            BuildError: Workers, or the scheduler, are gone.
            InterruptedRunError: The run was stopped.
        """
        deaths = 0
        for attempt in range(_ATTEMPTS):
            worker, answer = self.placement.begin(order.task), None
            try:
                answer = self._ask(
                    order, f"{order.task}-{order.run}-{attempt}", priority, self._addresses.get(worker or "")
                )
            except CancelledError:  # by Dask's client, too, when the scheduler is gone
                self._await_scheduler()
            except _LostWorkerError:
                deaths += 1
                if deaths == MOST_DEATHS:
                    raise _fatal(order, deaths) from None
            finally:
                done = answer is not None and not (answer.failure or answer.interrupted)
                self.placement.end(order.task, worker, answer if done else None)
            if answer and not answer.interrupted:
                return answer
        raise BuildError(f"{order.task} was begun {_ATTEMPTS} times on workers of {self._address} that were ended")

    def _ask(self, order: Order, key: str, priority: float, address: str | None) -> Answer:
        """Have an order carried out by the worker at an address, or by any."""
        from distributed import KilledWorker  # noqa: PLC0415 - an extra
        from distributed.comm.core import CommClosedError  # noqa: PLC0415

        future = self._client.submit(
            carry_out,
            order,
            key=key,
            pure=False,
            workers=[address] if address else None,
            resources={self._offer.resource: 1},
            priority=round(priority),
        )
        self._futures.add(future)
        try:
            return self._await(future, address)
        except KilledWorker as error:
            raise _fatal(order, error.allowed_failures + 1) from error
        except CommClosedError as error:  # the scheduler went while an answer was fetched
            raise CancelledError from error
        finally:
            self._futures.discard(future)
            future.release()

    def _await(self, future: Future[Answer], address: str | None) -> Answer:
        """What came of an order; a worker may be lost before that was fetched from it."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        while True:
            finished = done.wait(_LOOK_SECONDS)
            self._check_stopped()
            if finished:
                with contextlib.suppress(TimeoutError):
                    return future.result(timeout=_FETCH_SECONDS)
            self._check()
            if address and address not in self._addresses.values():
                raise _LostWorkerError

    def _check(self) -> None:
        self._check_stopped()
        if self._trouble:
            raise BuildError(
                self._trouble,
                hint="start what is missing and run the same command again; finished tasks are kept",
            )

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise InterruptedRunError

    def _await_scheduler(self) -> None:
        """Wait until Dask's client has found the scheduler again."""
        while self._client.status != "running":
            self._check()
            time.sleep(0.2)
        self._check()

    def _watch(self) -> None:
        """Note when nothing more can be expected; waiting threads report it."""
        fine = time.monotonic()
        while not self._closed.wait(_WATCH_SECONDS):
            with contextlib.suppress(Exception):  # whatever fails, the time without workers goes on
                if self._client.status == "running" and any(
                    self._offer.resource in resources for resources in self._workers().values()
                ):
                    fine = time.monotonic()
                    continue
            if self._client.status == "closed":
                self._trouble = f"the scheduler at {self._address} is gone"
            elif time.monotonic() - fine > LOST_SECONDS:
                self._trouble = f"no worker of {self._address} is left that can do the tasks of this run"

    def stop(self) -> None:
        """End what workers do for this run; may be called from a signal handler."""
        self._stopped.set()
        ending = threading.Thread(target=self._end, daemon=True)
        self._ending.append(ending)
        ending.start()

    def _end(self) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone, too
            self._client.run(end_run, self.run, on_error="ignore", wait=False)
            self._client.cancel(list(self._futures), force=True)

    def close(self) -> None:
        """Stop watching; what still runs, because an exception has ended the run, is ended."""
        self._closed.set()
        if self._futures:
            self.stop()
        for ending in self._ending:
            ending.join(timeout=5)


def _fatal(order: Order, deaths: int) -> BuildError:
    return BuildError(
        f"{deaths} workers died one after another while they did {order.task}",
        hint="see why: memory is a common reason; then run the same command again",
    )
