from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.support.checked_html import Page, check_page
from tests.support.looked_stacks import layer, package, small_stack, stack
from venvstacks.insight.report_facts import Report, size_areas
from venvstacks.insight.report_page import report_page
from venvstacks.insight.timeline import TimedTask, Timeline

STYLE = "body { color: red; }\n"
RUN = Timeline(
    "2026-01-02T03:04:05+00:00", (TimedTask("lock:py", 0.0, 1.0, is_critical=True), TimedTask("build:py", 1.0, 2.0))
)
HOSTILE = "<script>alert('x')</script>\"><img src=x>"


def test_a_page_with_everything_is_valid_and_fetches_nothing() -> None:
    later = small_stack()
    earlier = replace(later, label="before", layers=later.layers[:-1])
    page = check_page(report_page(Report(later, earlier, RUN), STYLE))
    assert page.headings == [1, 2, 2, 2, 2, 2, 2, 2]
    for text in (
        "big 2.1",
        "moved to py",
        "Compared with before",
        "lock:py",
        "MIT",
        "it is new",
        "2026-01-02 03:04:05",
    ):
        assert text in page.text or text == "moved to py", text
    assert page.tables >= 7


def test_every_drawing_has_a_table_with_the_same_numbers() -> None:
    page = check_page(report_page(Report(small_stack()), STYLE))
    assert page.text.count("7.0 MB") >= 3
    assert "big 2.1 (7.0 MB)" in page.text, "the largest package of the application's download"


def test_the_sum_of_archives_is_shown_where_all_are_known() -> None:
    found = small_stack()
    assert " packed" in report_page(Report(found), STYLE).partition("<nav")[0]
    partly = replace(found, layers=(replace(found.layers[0], archive=None), *found.layers[1:]))
    assert " packed" not in report_page(Report(partly), STYLE).partition("<nav")[0]


def test_an_empty_stack_has_a_page_too() -> None:
    check_page(report_page(Report(stack(layer("py", files=(), archive=None))), STYLE))


def test_names_from_elsewhere_are_text() -> None:
    hostile = package("frog", HOSTILE, files={HOSTILE.replace("/", "_"): 100_000})
    found = stack(layer("py", hostile), layer("framework-x", hostile, notes=(HOSTILE,)), label=HOSTILE)
    page = check_page(report_page(Report(found, small_stack(), replace(RUN, tasks=(TimedTask(HOSTILE, 0, 1),))), STYLE))
    assert HOSTILE in page.text


@pytest.mark.parametrize(
    "fault", ["<b>", '<a href="https://x">x</a>', '<p id="layers"></p>', "<br/>", "<script></script>"]
)
def test_the_check_would_notice(fault: str) -> None:
    source = report_page(Report(small_stack()), STYLE).replace("</main>", f"{fault}</main>")
    assert Page(source).faults


def test_packages_that_could_move_down_are_found() -> None:
    big = package("big", "1.0", files={"big/data": 9000})
    found = Report(
        stack(
            layer("py"),
            layer("framework-a", big, package("other", "1.0"), sizes={"big/data": 9000}),
            layer("framework-b", big, package("other", "2.0"), sizes={"big/data": 9000}),
        )
    )
    first, second = found.repeated
    assert (first.name, first.common, first.saved) == ("big", "py", 9000)
    assert (second.name, second.common, second.saved) == ("other", None, 0)
    (copy,) = found.copies
    assert (copy.wasted, [name for name, _ in copy.places]) == (9000, ["framework-a", "framework-b"])
    upper = layer("app-x", big, lower=("framework-a", "py"))
    above = Report(stack(*found.stack.layers[:2], upper))
    assert above.repeated[0].common == "framework-a", "it only has to be left out above"


def test_many_small_files_that_are_the_same_are_folded() -> None:
    files = {f"headers/{n}.h": 5000 + n for n in range(12)}
    upper = package("other", "1.0", files=files)
    found = stack(layer("py", package("frog", files=files), sizes=files), layer("framework-x", upper, sizes=files))
    same = tuple(replace(one, files=found.layers[0].files) for one in found.layers)
    source = report_page(Report(replace(found, layers=same)), STYLE)
    shown, _, folded = check_page(source).text.partition("4 smaller ones")
    assert "py: headers/11.h, framework-x: headers/11.h" in shown
    assert "py: headers/0.h" in folded


def test_large_stacks_stay_small_pages() -> None:
    many = [
        package(f"p{n}", "1.0", files={f"p{n}/{m // 9}/f{m}.py": n * 500 + m for m in range(150)}) for n in range(100)
    ]
    sizes = {f"p{n}/{m // 9}/f{m}.py": n * 500 + m for n in range(100) for m in range(150)}
    source = report_page(Report(stack(layer("py", *many, sizes=sizes))), STYLE)
    check_page(source)
    assert 50_000 < len(source) < 1_000_000


def test_the_data_are_json_and_say_the_same() -> None:
    data = json.loads(json.dumps(Report(small_stack(), small_stack(), RUN).as_json()))
    assert data["format"] == 1
    assert {one["name"]: one["saved"] for one in data["repeated"]} == {"tiny": 0}
    assert [(one["application"], one["update"]) for one in data["downloads"]] == [("desk", 0), ("web", 0)]
    assert data["last_run"]["seconds"] == 3.0
    assert len(data["licences"]) == sum(len(one.packages) for one in small_stack().layers)
    assert data["against"]["layers"]


def test_areas_add_up() -> None:
    area = size_areas(small_stack())
    assert area.size == sum(one.size or 0 for one in small_stack().layers)
    base = next(one for one in area.parts if one.label == "framework-base")
    big = next(one for one in base.parts if one.label == "big 2.1")
    assert {part.label: part.size for part in big.parts} == {"big": 5_001_000, "big.libs": 2_000_000}


def test_the_folder_that_all_are_in_is_not_repeated() -> None:
    def labels(*paths: str) -> set[str]:
        area = size_areas(stack(layer("py", package("frog", files=dict.fromkeys(paths, 0)))))
        found = next(one for one in area.parts[0].parts if one.kind == "package")
        return {part.label for part in found.parts}

    assert labels("frog/a/x.py", "frog/b/deep/y.py", "frog.libs/z.so", "frog/c.py") == {"a", "b", "frog.libs", "frog"}
    assert labels("frog/a/x.py", "toad/a/x.py") == {"frog/a", "toad/a"}
