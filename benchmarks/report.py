"""The report: Markdown tables of medians, ratios, memory and sizes, one section for each stack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.operations import OPERATIONS, Operation
from benchmarks.results import Results
from benchmarks.stacks import STACKS, StackCase

_INTRODUCTION = """\
# Benchmarks

This product against the newest `venvstacks` on PyPI ("the original"), written by `python -m benchmarks` from the
root of a checkout. `python -m benchmarks --help` says how to run a part of it.

- **The same work.** Both read the same specification, build their runtime layers from the same prepared Pythons, and
  run on the same machine with warm caches: each has locked and built each stack once before anything is measured.
- **Taking turns.** For each operation the two alternate, so that other load on the machine meets both. Slow operations
  are executed half as often as the others; the column "runs" says how often. Parts may have been measured one after
  the other, some of them for this product alone (`--add`, `--without-original`).
- **Time** is the median of wall time, from the start of the command to its end; **CPU** the median of processor time of
  the command and its children. **Memory** is the largest resident
  size of any single process among the command and its children, the highest of all runs. It cannot come out below
  10 MB, which is what the process that starts the command takes.
- **The disk** is written to as far as its cache: nothing waits for it. On ext4 without a journal, as some virtual
  machines have it, new files cost several times more for minutes after others were removed, since the kernel passes
  over every inode that was freed lately. That hides what the tools do.
- **The one change to the original**: its step that downloads and unpacks a Python for a runtime layer copies a
  prepared tree instead (`benchmarks/original_shim.py`), which is less work. It is installed together with `hishel<1`,
  without which its pdm cannot download. Both have their bytecode compiled in advance.
- **Not the same result everywhere**: the original locks for the platform that it runs on, this product for all target
  platforms of a layer. The original's archives are `.tar.xz`, this product's `.tar.zst`.
"""

_BY_HAND = Path(__file__).with_name("by_hand.md")
"""Figures that other benchmarks have printed (`shared_results`, `distributed`); written by hand."""

_TITLES = (
    "operation", "original, s", "this, s", "original / this", "original, CPU s", "this, CPU s", "original, MB",
    "this, MB", "runs",
)  # fmt: skip


def write_report(results: Results, picture: str | None) -> str:
    """The whole page; `picture` is the address of the picture of growth, if there is one."""
    parts = [_INTRODUCTION, _machine(results)]
    for stack in STACKS.values():
        if any(row.stack == stack.name for row in results.rows):
            parts += [f"## {stack.title[0].upper()}{stack.title[1:]}", *_stack(stack, results)]
        elif stack.name in results.skipped:
            parts += [f"## {stack.title}", f"Not measured: {results.skipped[stack.name]}."]
    if picture:
        parts += ["## Cost and number of layers", f"![Median seconds over the number of generated layers]({picture})"]
    parts.append(_BY_HAND.read_text("utf-8"))
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _machine(results: Results) -> str:
    return "## Machine\n\n" + table(("what", "value"), list(results.machine.items()))


def _stack(stack: StackCase, results: Results) -> Iterator[str]:
    yield f"{stack.layers} layers." + (
        f" Without the original: {stack.without_original}." * bool(stack.without_original)
    )
    notes: list[str] = []
    yield table(
        _TITLES, [line for operation in OPERATIONS.values() for line in _line(operation, stack, results, notes)]
    )
    if notes:
        yield "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1))
    if sizes := list(_sizes(stack, results)):
        yield table(("archives", "MB", "of the original's"), sizes)
    if bounds := list(_bounds(stack, results)):
        yield table(("this product against itself", "s", "against", "s", "ratio", "difference, ms"), bounds)


def _line(operation: Operation, stack: StackCase, results: Results, notes: list[str]) -> Iterator[tuple[str, ...]]:
    here = [row for row in results.rows if (row.stack, row.operation) == (stack.name, operation.name)]
    runs = max((len(row.samples) for row in here), default=0)
    remarks = [f"{row.contestant}: {row.note}" for row in here if row.note]
    if not runs and not any(row.contestant == "this" and row.note for row in here):
        return
    this = results.find(stack.name, operation.name, "this")
    other = results.find(stack.name, operation.counterpart, "original")
    if operation.against and other:
        remarks.append(f'compared with the original\'s "{OPERATIONS[operation.against].title}"')
    if remarks:
        notes.append("; ".join(remarks))
    yield (
        operation.title + f" ({len(notes)})" * bool(remarks),
        *(_figure(row.seconds if row else None) for row in (other, this)),
        _figure(other.seconds / this.seconds) if this and other else "",
        *(_figure(row.cpu_seconds if row else None) for row in (other, this)),
        *(f"{row.peak_bytes / 1e6:.0f}" if row else "" for row in (other, this)),
        str(runs),
    )


def _figure(value: float | None) -> str:
    """Three significant digits, and not less than thousandths."""
    if value is None:
        return ""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _sizes(stack: StackCase, results: Results) -> Iterator[tuple[str, ...]]:
    original = results.find(stack.name, "publish", "original")
    reference = original.archive_bytes if original else None
    for title, row in (
        ("the original's", original),
        ("this product's", results.find(stack.name, "publish", "this")),
        ("this product's smallest", results.find(stack.name, "publish-small", "this")),
        ("this product's with bytecode", results.find(stack.name, "unpack-bytecode", "this")),
    ):
        if row and row.archive_bytes is not None:
            share = f"{row.archive_bytes / reference:.2f}" if reference else ""
            yield title, f"{row.archive_bytes / 1e6:.1f}", share


def _bounds(stack: StackCase, results: Results) -> Iterator[tuple[str, ...]]:
    """Operations of this product that are held against others of it."""
    for operation in OPERATIONS.values():
        row = results.find(stack.name, operation.name, "this")
        bound = results.find(stack.name, operation.bound, "this")
        if row and bound:
            yield (
                operation.title, _figure(row.seconds), OPERATIONS[operation.bound].title, _figure(bound.seconds),
                f"{row.seconds / bound.seconds:.2f}", f"{(row.seconds - bound.seconds) * 1000:.1f}",
            )  # fmt: skip


def table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    rule = ("---", *("---:" for _ in titles[1:])) if titles[0] else ("---",) * len(titles)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows))
