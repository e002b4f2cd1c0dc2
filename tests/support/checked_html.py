"""A strict look at a page: elements that are not closed, ids, links, headings, and what a page would fetch."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
_NAMESPACE = "http://www.w3.org/2000/svg"


@dataclass
class Page(HTMLParser):
    """What was found in a page.

    Attributes:
        faults: What is wrong, in sentences.
        text: All text outside of the style sheet.
        headings: Levels of the headings.
        tables: Number of tables.
    """

    source: str
    faults: list[str] = field(default_factory=list)
    text: str = ""
    headings: list[int] = field(default_factory=list)
    tables: int = 0
    _open: list[str] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _links: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        self.faults += [f"<{name}> is not closed" for name in self._open]
        self.faults += [f"#{name} leads nowhere" for name in self._links - self._ids]
        self.faults += [] if self.headings[:1] == [1] else ["the first heading is no <h1>"]
        self.faults += [
            f"<h{after}> follows <h{before}>"
            for before, after in zip(self.headings, self.headings[1:], strict=False)
            if after > before + 1
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"script", "link", "iframe", "object", "embed", "img", "base", "form"} or any(
            name.startswith("on") for name in values
        ):
            self.faults.append(f"<{tag}> could run or fetch something")
        for name in ("href", "src", "xlink:href", "action"):
            if name in values and not (values[name] or "").startswith("#"):
                self.faults.append(f"{name}={values[name]} leads out of the page")
        for name in ("aria-labelledby", "href"):
            self._links |= {one.removeprefix("#") for one in (values.get(name) or "").split()}
        if values.get("id") in self._ids:
            self.faults.append(f"id {values['id']} is given twice")
        self._ids |= {values["id"] or ""} if "id" in values else set()
        if tag == "svg" and values.get("role") not in {"img", "group"}:  # the latter holds links
            self.faults.append("a drawing has no role")
        if tag[0] == "h" and tag[1:].isdigit():
            self.headings.append(int(tag[1:]))
        self.tables += tag == "table"
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if "svg" not in self._open:
            self.faults.append(f"<{tag}/> closes itself outside of a drawing")
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> does not close what is open")

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["style"]:
            if "url(" in data or "@import" in data:
                self.faults.append("the style sheet fetches something")
        else:
            self.text += data


def check_page(source: str) -> Page:
    """The page, which has to be without faults."""
    page = Page(source)
    assert page.faults == []
    assert source.startswith("<!DOCTYPE html>\n")
    assert "http" not in source.replace(_NAMESPACE, "").replace("http-equiv", "")
    return page
