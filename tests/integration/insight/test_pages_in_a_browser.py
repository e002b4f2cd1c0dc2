"""The report and a page of the documentation in Chromium: what axe-core finds, what the keyboard reaches."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from tests.support.chromium import Browser, needs_axe, needs_chromium, running_chromium
from tests.support.folder_server import serving_folder
from tests.support.looked_stacks import small_stack
from venvstacks.insight.reading.whole_reports import write_page
from venvstacks.insight.report_facts import Report
from venvstacks.insight.report_page import report_page
from venvstacks.insight.timeline import TimedTask, Timeline

ROOT = Path(__file__).parents[3]
RUN = Timeline(
    "2026-01-02T03:04:05+00:00", (TimedTask("lock:py", 0.0, 1.0, is_critical=True), TimedTask("build:py", 1.0, 2.0))
)
CONTROLS = "[...document.querySelectorAll('a[href], summary, [tabindex=\"0\"]')].filter(one => one.checkVisibility())"
DOCUMENTATION = ("looking", "cookbook", "publishing")
"""Pages with tables and with code of several languages."""
VIEWS = ((1280, "light"), (390, "dark"))

pytestmark = [pytest.mark.slow, needs_chromium]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with running_chromium(tmp_path_factory.mktemp("browser") / "profile") as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with every section."""
    later = small_stack()
    place = tmp_path_factory.mktemp("report") / "report.html"
    write_page(Report(later, replace(later, label="before", layers=later.layers[:-1]), RUN), place)
    return place.as_uri()


@pytest.fixture(scope="module")
def documentation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of some pages of the documentation, in its theme."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "docs").mkdir()
    for page in DOCUMENTATION:
        shutil.copy(ROOT / "docs" / f"{page}.md", folder / "docs")
    shutil.copytree(ROOT / "docs/theme", folder / "docs/theme")
    pages = [f"{name}.md" for name in DOCUMENTATION]
    settings = f"INHERIT: {ROOT / 'mkdocs.yml'}\nstrict: false\nnav: {pages}\nsite_dir: {folder / 'site'}\n"
    (folder / "mkdocs.yml").write_text(settings, "utf-8")
    argv = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--config-file", str(folder / "mkdocs.yml")]
    subprocess.run(argv, check=True, cwd=folder, capture_output=True)
    with serving_folder(folder / "site") as web:
        yield web.url


@needs_axe
@pytest.mark.parametrize("page", ["report", "documentation"])
def test_nothing_keeps_people_out(page: str, browser: Browser, request: pytest.FixtureRequest) -> None:
    address: str = request.getfixturevalue(page)
    pages = [f"{address}/{name}.html" for name in DOCUMENTATION] if page == "documentation" else [address]
    for url, (width, scheme) in itertools.product(pages, VIEWS):
        browser.open(url, width=width, scheme=scheme)
        assert browser.violations() == [], (url, width, scheme)
        assert browser.complaints == [], (url, width, scheme)


@needs_axe
def test_what_keeps_people_out_is_noticed(browser: Browser, tmp_path: Path) -> None:
    faulty = report_page(Report(small_stack()), (files("venvstacks.insight") / "report.css").read_text("utf-8"))
    faulty = faulty.replace("--text: #1a1d21", "--text: #dddddd").replace('lang="en"', "")
    (tmp_path / "page.html").write_text(faulty.replace("</main>", '</main><script src="gone.js"></script>'), "utf-8")
    browser.open((tmp_path / "page.html").as_uri())
    assert {line.partition(":")[0] for line in browser.violations()} >= {"color-contrast", "html-has-lang"}
    assert browser.complaints


def test_what_is_folded_is_printed_too(browser: Browser, report: str) -> None:
    browser.open(report)
    shown = "[...document.querySelectorAll('details td')].map(one => one.checkVisibility())"
    assert set(browser.value(shown)) == {False}
    browser.call("Emulation.setEmulatedMedia", media="print")
    assert set(browser.value(shown)) == {True}
    browser.call("Emulation.setEmulatedMedia", media="")


def test_the_keyboard_reaches_every_control(browser: Browser, report: str) -> None:
    browser.open(report)
    count = browser.value(f"{CONTROLS}.length")
    reached = []
    for _ in range(count):
        browser.press("Tab")
        reached.append(browser.value(f"{CONTROLS}.indexOf(document.activeElement)"))
    assert reached == list(range(count))
    assert count >= 20


def test_boxes_of_the_treemap_lead_to_their_rows_by_keys(browser: Browser, report: str) -> None:
    browser.open(report)
    browser.value("document.querySelector('[aria-label=\"Treemap of sizes\"]').focus()")
    for key in ("Tab", "Tab"):
        browser.press(key)
    assert browser.value("document.activeElement.textContent").startswith("framework-base > big 2.1: 7.0 MB")
    browser.press("Enter")
    row = "document.querySelector('tr:target').innerText.replace(/\\s+/g, ' ')"
    assert browser.value(row).startswith("big 2.1 framework-base 7.0 MB")
