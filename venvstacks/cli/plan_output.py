"""A plan as lines of text: tasks with reasons of their own first, those that follow from them indented, and totals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from venvstacks.graph.drawing import draw_dot, draw_mermaid
from venvstacks.insight.readable import readable_bytes
from venvstacks.planning.forecast import Plan, Span
from venvstacks.planning.plan import PlannedTask


def plan_lines(plan: Plan, *, verbose: bool = False) -> Iterator[str]:
    """What would be done, with reasons; tasks that are up to date only if `verbose`."""
    rows = list(_rows(plan, verbose=verbose))
    width = max((len(row[1]) for row in rows), default=0)
    for status, name, reasons in rows:
        yield f"{status:<10}  {name:<{width}}  {reasons}".rstrip()
    counts = [
        f"{plan.counts[said]} {said}"
        for said in ("run", "maybe", "cached", "blocked", "up to date")
        if plan.counts[said]
    ]
    yield f"{len(plan)} task{'s' if len(plan) > 1 else ''}: {', '.join(counts)}" if len(plan) else "no tasks"
    if any(task.status == "blocked" and task.name.startswith("lock:") and task.reasons for task in plan):
        yield "hint: locks that no longer fit are renewed by `venvstacks lock`, or with --lock"
    if not plan.is_idle:
        yield from _totals(plan)


def _rows(plan: Plan, *, verbose: bool) -> Iterator[tuple[str, str, str]]:
    below: dict[str, list[PlannedTask]] = {}
    first: list[PlannedTask] = []
    place = {task.name: number for number, task in enumerate(plan)}
    status = {task.name: task.status for task in plan}
    for task in plan:
        if task.status == "up to date":
            continue
        causes = _causes(task, status)
        below.setdefault(max(causes, key=place.__getitem__), []).append(task) if causes else first.append(task)

    def walk(tasks: list[PlannedTask], depth: int) -> Iterator[tuple[str, str, str]]:
        for task in tasks:
            yield task.status, "  " * depth + task.name, _reasons_of(task, depth, plan.graph.makers)
            yield from walk(below.get(task.name, []), depth + 1)

    yield from walk(first, 0)
    if verbose:
        yield from ((task.status, task.name, "") for task in plan if task.status == "up to date")


def _causes(task: PlannedTask, status: Mapping[str, str]) -> list[str]:
    """The tasks that a task follows from: if they alone make it run, those of them that are certain to run."""
    known = [name for name in task.upstream if name in status]
    certain = [name for name in known if status[name] == "run"] if task.status == "run" and not task.reasons else []
    return certain or known


def _reasons_of(task: PlannedTask, depth: int, makers: Mapping[str, str]) -> str:
    """A task's own reasons; the task that makes it run is printed above it, so only further ones are counted."""
    reasons = [reason.describe(makers) for reason in task.reasons]
    others = len(task.upstream) - 1
    if depth and others > 0 and not reasons:
        reasons.append(f"also after {others} other{'s' if others > 1 else ''}")
    if task.status == "cached":
        reasons.insert(0, f"{readable_bytes(task.cached_bytes)} from the remote cache")
    return "; ".join(reasons)


def _totals(plan: Plan) -> Iterator[str]:
    if plan.counts["cached"]:
        yield f"{readable_bytes(plan.cached_bytes)} would come from the remote cache"
    if not (plan.counts["run"] or plan.counts["maybe"]):
        return
    jobs = f"{plan.jobs} job{'s' if plan.jobs > 1 else ''}"
    path = " > ".join(plan.critical_path.tasks)
    guessed = any(task.seconds is None for task in plan if task.status in {"run", "maybe"})
    note = " (some tasks have never run)" if guessed else ""
    yield f"about {_span(plan.seconds, _seconds)} with {jobs}{note}; longest chain: {path}"
    if plan.download.most:
        yield f"users of the published archives would download {_span(plan.download, readable_bytes)} again"


def _span(span: Span, unit: Callable[[float], str]) -> str:
    least, most = unit(span.least), unit(span.most)
    return most if least == most else f"{least} to {most}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def draw(plan: Plan, language: str) -> str:
    """The plan's graph for Graphviz (`dot`) or as a Mermaid flowchart (`mermaid`)."""
    status: Mapping[str, str] = {task.name: task.status for task in plan}
    return (draw_dot if language == "dot" else draw_mermaid)(plan.graph, status)
