"""Plans where a store holds results: which tasks are fetched, and which environments are built all the same."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.tiny_graphs import graph_of
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.planning.plan import CachedResult, Digest, StateView, make_plan, unneeded_environments

LAYERS = """
build_low: s -> low.build [low.tree]
build_app: t low.build -> app.build [app.tree]
zip_low: [low.tree] low.build -> low.zip
zip_app: [low.tree] [app.tree] app.build -> app.zip
manifest: low.zip app.zip -> list
"""


class Nothing:
    def record(self, task: str) -> None:
        """Nothing has ever run."""


def planned(held: Mapping[str, str], *, forced: tuple[str, ...] = ()) -> dict[str, str]:
    """Statuses where a store holds results: task to the digest of its inputs, joined; outputs have their own names."""

    def cached(node: TaskNode, digest: Digest) -> CachedResult | None:
        found = [digest(path) for path in node.inputs]
        if held.get(node.name) != "+".join(str(one) for one in found):
            return None
        known = {path: f"<{path}>" for path in node.outputs if path.endswith(".build")}
        return CachedResult(known, 10, 1.0)

    graph = graph_of(LAYERS)
    state = StateView(Nothing(), {"s": "S", "t": "T"}.get, lambda _: False, lambda _: (), cached=cached)
    unneeded = unneeded_environments(graph, state, forced)
    return {task.name: task.status for task in make_plan(graph, state, forced, unneeded)}


BUILDS = {"build_low": "S", "build_app": "T+<low.build>"}
ALL = {**BUILDS, "zip_low": "<low.build>", "zip_app": "<app.build>"}


def test_everything_that_a_store_holds_is_fetched() -> None:
    assert planned(ALL) == {**dict.fromkeys(ALL, "cached"), "manifest": "run"}


def test_nothing_is_asked_for_by_inputs_that_are_not_known() -> None:
    assert "cached" not in planned({"zip_low": "<low.build>", "zip_app": "None", "build_app": "T+None"}).values()


def test_environments_of_tasks_that_run_are_built() -> None:
    """`zip_app` is not in the store, so it needs both environments; the other archive is fetched all the same."""
    without = {name: inputs for name, inputs in ALL.items() if name != "zip_app"}
    assert planned(without) == {
        "build_low": "run", "build_app": "run", "zip_low": "cached", "zip_app": "run", "manifest": "run",
    }  # fmt: skip


def test_forced_tasks_are_not_fetched() -> None:
    assert planned(ALL, forced=("zip_low",)) == {
        "build_low": "run", "build_app": "cached", "zip_low": "run", "zip_app": "cached", "manifest": "run",
    }  # fmt: skip
