"""The picture of how cost grows with the number of layers; needs matplotlib, from the extra `bench`."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from benchmarks.operations import OPERATIONS
from benchmarks.results import Results

_SHOWN = ("lock", "build", "publish", "pipeline-again")
_COLOURS = {"this": "#1f6f54", "original": "#b5472f"}


def draw_growth(results: Results, path: Path) -> bool:
    """Draw median seconds over the number of layers, one panel for each operation, as SVG; say whether it was possible.

    It is not where fewer than two generated stacks were measured, or matplotlib is not installed. The same results
    give the same bytes.
    """
    stacks = sorted({(row.layers, row.stack) for row in results.rows if row.stack.startswith("layers-")})
    if len(stacks) < 2:
        return False
    try:
        import matplotlib as mpl  # noqa: PLC0415 - optional, and 0.5 s
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        return False
    with mpl.rc_context({"svg.hashsalt": "venvstacks", "font.size": 9}):
        figure = Figure(figsize=(10, 3), layout="constrained")
        for panel, operation in zip(figure.subplots(1, len(_SHOWN), sharey=True), _SHOWN, strict=True):
            for contestant, colour in _COLOURS.items():
                rows = [results.find(stack, operation, contestant) for _, stack in stacks]  # type: ignore[arg-type]
                found = [row for row in rows if row]
                panel.plot([row.layers for row in found], [row.seconds for row in found], "o-", color=colour,
                           label="the original" if contestant == "original" else "this")  # fmt: skip
            panel.set(xscale="log", yscale="log", xlabel="layers", title=fill(OPERATIONS[operation].title, 24))
            panel.set_xticks([layers for layers, _ in stacks], [str(layers) for layers, _ in stacks])
            panel.minorticks_off()
            panel.yaxis.set_major_formatter("{x:g}")
            panel.grid(visible=True, alpha=0.3)
        figure.axes[0].set_ylabel("seconds (median)")
        figure.axes[0].legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
    return True
