"""Preview of locks: they are written to a folder of drafts, from which upper layers read the drafts of lower ones."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from venvstacks.actions.locking.lock import LockResult
from venvstacks.actions.table import TaskActions
from venvstacks.errors import LayerConflictError
from venvstacks.graph.taskgraph import TaskGraph
from venvstacks.locking.lock_changes import LockChanges
from venvstacks.tools.interruptions import LOOK_SECONDS


def draft_locks(
    actions: TaskActions, graph: TaskGraph, jobs: int
) -> tuple[dict[str, LockChanges], list[LayerConflictError]]:
    """Lock every layer of `graph` into the folder of drafts that the options of `actions` name.

    Neither the engine nor the task state takes part: nothing is recorded.

    Args:
        actions: Performs the tasks.
        graph: The order of the tasks; of its tasks, only locks are performed, and wheels that
            they need and that are not built yet.
        jobs: How many layers are locked at the same time.

    Returns:
        Environment name to what would change, in the order of the graph; and the conflicts of layers with those below
        that adapting these would solve. The layers with conflicts, and those above them, are not in the former.

    Raises:
        LockError: Some layer cannot be locked.
    """
    processes = actions.tools.processes  # made before threads begin
    for node in graph.nodes:
        if node.kind == "wheel" and actions.describe_staleness(node):
            actions.perform(node)
    nodes = [node for node in graph.nodes if node.kind == "lock"]
    names = {node.name for node in nodes}
    order = TopologicalSorter({node.name: graph.needs(node) & names for node in nodes})
    order.prepare()
    running: dict[Future[LockResult], str] = {}
    changes: dict[str, LockChanges] = {}
    conflicts: list[LayerConflictError] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            while order.is_active():
                for name in order.get_ready():
                    running[pool.submit(actions.lock, graph.by_name[name])] = name
                if not running:
                    break  # the others wait for layers with conflicts
                for done in wait(running, LOOK_SECONDS, FIRST_COMPLETED).done:
                    name = running.pop(done)
                    try:
                        changes[name] = done.result().changes
                        order.done(name)
                    except LayerConflictError as conflict:
                        conflicts.append(conflict)
        except BaseException:
            processes.stop()  # the results of the other layers are not needed any more
            raise
    return {node.env_name: changes[node.name] for node in nodes if node.name in changes}, conflicts
