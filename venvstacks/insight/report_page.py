"""A report as one HTML page that needs nothing else: no script, no file, no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape

from venvstacks.insight.comparison import LayerChange, PackageChange
from venvstacks.insight.contents import LayerContents
from venvstacks.insight.licences import licence_rows
from venvstacks.insight.readable import readable_bytes
from venvstacks.insight.report_drawings import layer_graph, nearest_targets, timeline_chart, treemap
from venvstacks.insight.report_facts import Report, SameFile, size_areas

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MOST_PACKAGES = 25  # of the list of the largest
_MOST_PLACES = 4
_SHOWN_COPIES = 8  # of the files that several layers have; the others are folded
_LAYER_ROWS, _SIZE_ROWS = "layer", "size"  # what the ids of the rows of a table begin with


def report_page(report: Report, style: str) -> str:
    """The page.

    Args:
        report: What it shows.
        style: The style sheet.
    """
    title = f"Report on {escape(report.stack.label)}"
    content = {name: (heading, list(made(report))) for name, (heading, made) in _SECTIONS.items()}
    shown = {name: (heading, lines) for name, (heading, lines) in content.items() if lines}
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{title}</title><style>\n{style}</style></head><body>",
        '<a class="skip" href="#content">Skip to the content</a>',
        f"<header><h1>{title}</h1>{_summary(report)}</header>",
        '<nav aria-label="Contents"><ul>',
        *(f'<li><a href="#{name}">{heading}</a></li>' for name, (heading, _) in shown.items()),
        '</ul></nav><main id="content">',
    ]
    for name, (heading, section) in shown.items():
        lines += [f'<section aria-labelledby="{name}"><h2 id="{name}">{heading}</h2>', *section, "</section>"]
    return "\n".join([*lines, "</main></body></html>", ""])


def _summary(report: Report) -> str:
    layers = report.stack.layers
    packages = sum(len(layer.packages) for layer in layers)
    unpacked = sum(layer.size or 0 for layer in layers)
    archives = [layer.archive.size for layer in layers if layer.archive]
    packed = sum(archives) if len(archives) == len(layers) else 0  # of some of them it would only mislead
    parts = [f"{len(layers)} layers", f"{packages} packages"]
    parts += [f"{readable_bytes(unpacked)} unpacked"] if unpacked else []
    parts += [f"{readable_bytes(packed)} packed"] if packed else []
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.stack.notes)
    return f"<p>{', '.join(parts)}</p>" + (f'<ul class="notes">{notes}</ul>' if notes else "")


def _scrolling(label: str, content: Iterable[str]) -> Iterator[str]:
    """Content that may be wider than the page; it can be scrolled with the keyboard."""
    yield f'<div class="wide" role="region" aria-label="{escape(label)}" tabindex="0">'
    yield from content
    yield "</div>"


def _table(
    caption: str,
    heading: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: frozenset[int] = frozenset(),
    ids: str = "",
) -> Iterator[str]:
    """A table; the first cell of each row names it.

    Args:
        caption: What it shows.
        heading: Names of the columns.
        rows: Cells as text.
        numbers: Columns of numbers, counted from 0.
        ids: What the ids of rows begin with, as `_row_id` makes them; empty for rows without.
    """

    def cells() -> Iterator[str]:
        yield f"<table><caption>{escape(caption)}</caption><thead><tr>"
        for column, text in enumerate(heading):
            yield f'<th scope="col"{_number(column)}>{escape(text)}</th>'
        yield "</tr></thead><tbody>"
        for place, row in enumerate(rows):
            first, *others = row
            rest = "".join(f"<td{_number(column)}>{escape(text)}</td>" for column, text in enumerate(others, start=1))
            named = f' id="{_row_id(ids, place)}"' if ids else ""
            yield f'<tr{named}><th scope="row">{escape(first)}</th>{rest}</tr>'
        yield "</tbody></table>"

    def _number(column: int) -> str:
        return ' class="number"' if column in numbers else ""

    yield from _scrolling(caption, cells())


def _row_id(ids: str, place: int) -> str:
    return f"{ids}-{place}"


def _layers(report: Report) -> Iterator[str]:
    stack = report.stack
    yield from _scrolling("Graph of the layers", layer_graph(stack))
    rows = (
        (
            layer.name,
            layer.kind,
            layer.python,
            ", ".join(stack.by_target[target].name for target in nearest_targets(layer, stack)),
            str(len(layer.packages)),
            _bytes(layer.size),
            _bytes(layer.archive.size if layer.archive else None),
        )
        for layer in stack.layers
    )
    heading = ("layer", "kind", "Python", "needs", "packages", "unpacked", "packed")
    yield from _table("All layers", heading, rows, frozenset({4, 5, 6}), _LAYER_ROWS)


def _sizes(report: Report) -> Iterator[str]:
    area = size_areas(report.stack)
    if not area.size:
        return
    packages = [(part.size, part.label, layer.label) for layer in area.parts for part in layer.parts if part.size]
    largest = sorted(packages, key=lambda row: (-row[0], row[1]))[:_MOST_PACKAGES]
    rows_about: dict[tuple[str, ...], str] = {
        (layer.label,): _row_id(_LAYER_ROWS, place) for place, layer in enumerate(area.parts)
    }
    rows_about |= {(layer, label): _row_id(_SIZE_ROWS, place) for place, (_, label, layer) in enumerate(largest)}
    yield from _scrolling("Treemap of sizes", treemap(area, rows_about))
    rows = ((label, layer, _bytes(size), f"{100 * size / area.size:.1f} %") for size, label, layer in largest)
    heading = ("package", "layer", "unpacked", "share")
    yield from _table("The largest packages", heading, rows, frozenset({2, 3}), _SIZE_ROWS)


def _repeated(report: Report) -> Iterator[str]:
    if not report.repeated and not report.copies:
        yield "<p>No package and no large file lies in several layers.</p>"
    if report.repeated:
        rows = (
            (
                one.name,
                ", ".join(f"{layer}: {version}" for layer, version, _ in one.places),
                _bytes(sum(size for _, _, size in one.places)),
                f"moved to {one.common}: {readable_bytes(one.saved)}"
                if one.common
                else "the versions differ, or no layer is below all",
            )
            for one in report.repeated
        )
        yield from _table(
            "Packages in several layers", ("package", "layers", "together", "could be saved"), rows, frozenset({2})
        )
    yield from _copies("Large files with the same content in several layers", report.copies[:_SHOWN_COPIES])
    if more := report.copies[_SHOWN_COPIES:]:
        yield f"<details><summary>{len(more)} smaller ones</summary>"
        yield from _copies("Further files with the same content in several layers", more)
        yield "</details>"


def _copies(caption: str, copies: Sequence[SameFile]) -> Iterator[str]:
    rows = (
        (
            _few([f"{layer}: {path.partition('site-packages/')[2] or path}" for layer, path in one.places]),
            _bytes(one.size),
            _bytes(one.wasted),
        )
        for one in copies
    )
    if copies:
        yield from _table(caption, ("files", "size", "repeated"), rows, frozenset({1, 2}))


def _few(texts: list[str]) -> str:
    more = f" and {len(texts) - _MOST_PLACES} more" if len(texts) > _MOST_PLACES else ""
    return ", ".join(texts[:_MOST_PLACES]) + more


def _downloads(report: Report) -> Iterator[str]:
    if not report.downloads:
        yield "<p>Archives are not published, so downloads are not known.</p>"
        return
    rows = (
        (
            one.application,
            _bytes(one.first),
            ("it is new" if report.comparison else "") if one.update is None else readable_bytes(one.update),
            _largest_package(report.stack.application_layers(one.application)),
            ", ".join(one.layers),
        )
        for one in report.downloads
    )
    heading = ("application", "first installation", "update", "largest package, unpacked", "layers that are fetched")
    yield from _table("What users of each application download", heading, rows, frozenset({1, 2}))


def _largest_package(layers: Iterable[LayerContents]) -> str:
    """The package with the largest files among all that an application needs."""
    sizes = [(layer.package_sizes[one.name] or 0, str(one)) for layer in layers for one in layer.packages]
    size, name = max(sizes, default=(0, ""))
    return f"{name} ({readable_bytes(size)})" if size else ""


def _differences(report: Report) -> Iterator[str]:
    if report.comparison is None:
        return
    yield f"<p>Compared with {escape(report.comparison.before.label)}.</p>"
    if report.comparison.is_empty:
        yield "<p>Nothing differs.</p>"
        return
    rows = [row for layer in report.comparison.layers if layer.status != "same" for row in _changes(layer)]
    yield from _table("What differs", ("layer", "package", "before", "after", "size"), rows, frozenset({4}))


def _changes(layer: LayerChange) -> Iterator[tuple[str, ...]]:
    yield layer.name, f"({layer.status})", "", "", ""
    for one in layer.packages:
        growth = "" if one.growth is None else f"{'-' if one.growth < 0 else '+'}{readable_bytes(abs(one.growth))}"
        yield layer.name, one.name, one.before or "", f"{one.after or ''}{_remark(one)}", growth
    if layer.files:
        yield layer.name, _few(list(layer.files)), "", "files of no package differ", ""


def _remark(one: PackageChange) -> str:
    if one.status == "same version":
        return f" (the version is the same, but {len(one.files)} files or the wheel differ)"
    return f" ({'was' if one.status == 'added' else 'is now'} in {one.elsewhere})" if one.elsewhere else ""


def _last_run(report: Report) -> Iterator[str]:
    timeline = report.timeline
    if timeline is None:
        return
    chain = " > ".join(task.name for task in timeline.critical)
    seconds = sum(task.seconds for task in timeline.critical)
    began = escape(timeline.time[:19].replace("T", " "))
    yield f"<p>{began} UTC, {len(timeline.tasks)} tasks in {timeline.seconds:.1f} s.</p>"
    if chain:
        yield f"<p>Longest chain of tasks ({seconds:.1f} s): {escape(chain)}</p>"
    yield from _scrolling("Timeline of the last run", timeline_chart(timeline))


def _licences(report: Report) -> Iterator[str]:
    rows = [
        (row.package.name, row.package.version, row.licence.name, row.layer.name) for row in licence_rows(report.stack)
    ]
    if rows:
        yield "<details><summary>Licences of all packages</summary>"
        yield from _table("Licences", ("package", "version", "licence", "layer"), rows)
        yield "</details>"
        counts = Counter(licence for _, _, licence, _ in rows)
        summary = ((name, str(count)) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
        yield from _table("Packages by licence", ("licence", "packages"), summary, frozenset({1}))


def _bytes(size: float | None) -> str:
    return "" if size is None else readable_bytes(size)


_SECTIONS: Mapping[str, tuple[str, Callable[[Report], Iterator[str]]]] = {
    "layers": ("Layers", _layers),
    "sizes": ("Sizes", _sizes),
    "repeated": ("In several layers", _repeated),
    "downloads": ("Downloads", _downloads),
    "against": ("Differences", _differences),
    "run": ("Last run", _last_run),
    "licences": ("Licences", _licences),
}
"""The sections in order: id, heading and what makes the content; one without content is left out."""
