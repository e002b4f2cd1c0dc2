"""One run at a time in a build folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.errors import BuildFolderBusyError, InterruptedRunError, StateError
from venvstacks.loading.project import Project
from venvstacks.tools import survivors

if TYPE_CHECKING:
    from filelock import BaseFileLock


class FolderLock:
    """A lock file that this process holds from the first `acquire` until `release` or the end of the process.

    Args:
        path: The lock file.
        on_wait: Called once if another process holds the lock and has to be waited for.
        timeout: Seconds to wait; negative for as long as it takes.
        shared: Whether all locks of this process on one file count as one, as when one `dodo.py` holds two stacks;
            otherwise two of them exclude each other.
        on_held: Called once the lock is held and no child of a killed run is left, unless another lock of this
            process has held it before: removes what killed runs left behind.
        is_cancelled: Asked while waiting: whether nobody wants the lock any more.
    """

    def __init__(
        self,
        path: Path,
        on_wait: Callable[[], None] | None = None,
        timeout: float = -1,
        *,
        shared: bool = False,
        on_held: Callable[[], None] = lambda: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path = path
        self._on_held = on_held
        self._is_cancelled = is_cancelled
        self._on_wait = on_wait
        self._timeout = timeout
        self._shared = shared
        self._guard = threading.Lock()
        self._held: BaseFileLock | None = None

    def acquire(self) -> None:
        """Hold the lock; nothing happens if this process holds it already.

        Raises:
            BuildFolderBusyError: Another process held it for longer than the timeout.
            InterruptedRunError: The wait was cancelled.
            StateError: The lock file cannot be made.
        """
        from filelock import FileLock, Timeout  # noqa: PLC0415 - runs with nothing to do never need it

        with self._guard:
            if self._held is not None:
                return
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(self.path, thread_local=False, is_singleton=self._shared)
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    if self._on_wait:
                        self._on_wait()
                    lock.acquire(timeout=self._timeout, cancel_check=self._is_cancelled)
                self._wait_for_children(lock)
            except Timeout:
                if self._is_cancelled():
                    raise InterruptedRunError("the run was cancelled") from None
                raise BuildFolderBusyError(
                    f"another run has been using {self.path.parent.parent} for more than {self._timeout:g} s",
                    hint="wait for it to end, or use another --build-dir",
                ) from None
            except OSError as error:
                raise StateError(
                    f"{self.path} cannot be written: {error.strerror or error}",
                    hint="make the build folder writable, or choose another --build-dir",
                ) from error
            self._held = lock

    @property
    def _children(self) -> Path:
        return self.path.with_name("children.lock")

    def _wait_for_children(self, lock: BaseFileLock) -> None:
        try:
            if survivors.hold(self._children, self._on_wait, self._is_cancelled):
                self._on_held()
        except BaseException:
            lock.release()
            raise

    def release(self) -> None:
        """Release the lock."""
        with self._guard:
            if self._held is not None:
                survivors.let_go(self._children)
                self._held.release()
                self._held = None


def folder_lock(
    project: Project,
    on_wait: Callable[[], None],
    *,
    shared: bool = False,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> FolderLock:
    """The lock of a project's build folder; when it is acquired, what killed runs have left is removed."""

    def clear() -> None:
        from venvstacks.actions.leftovers import clear_leftovers  # noqa: PLC0415 - only where something may run

        clear_leftovers(project.stack, project.configuration, project.graph, project.base)

    path = project.base / project.configuration.layout.shared_state / "run.lock"
    return FolderLock(path, on_wait, shared=shared, on_held=clear, is_cancelled=is_cancelled)
