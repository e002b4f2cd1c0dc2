"""Every command of docs/looking.md, on a stack that was built and published."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import jsonschema
import pytest

from tests.support.checked_html import check_page
from tests.support.sample_stack import BUILT, Pond

DOCS = Path(__file__).parents[3] / "docs"
SCHEMAS = DOCS / "schema"
PAGE = (DOCS / "looking.md").read_text("utf-8")
SHOWN = [line for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
NAMES = {"numpy": "lily", "app-desk": "app-newt", "desk": "newt"}

WRITTEN = ("report.html", "LICENCES.txt", "desk.cdx.json", "advisories.json")

pytestmark = pytest.mark.slow


def adapted(line: str, folder: Path) -> list[str]:
    """The arguments of a shown command, with names of the stack of the tests, and with files in a folder."""
    program, name, *arguments = shlex.split(line.removeprefix("$ "))
    assert program == "venvstacks"
    written = {name: str(folder / name) for name in WRITTEN}
    return [name, *((NAMES | written).get(argument, argument) for argument in arguments)]


def test_every_command_that_is_shown(published_pond: Pond, tmp_path: Path) -> None:
    assert len(SHOWN) >= 15
    record = {"id": "PYSEC-0", "affected": [{"package": {"ecosystem": "PyPI", "name": "lily"}, "versions": ["1.0"]}]}
    (tmp_path / "advisories.json").write_text(json.dumps(record))
    for line in SHOWN:
        done = published_pond.command(*adapted(line, tmp_path))
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("tree",), ("diff", "_artifacts"), ("report", "--against", "_artifacts"), ("licenses", "--deny", "MIT"),
        ("audit", "_artifacts", "--osv", "{advisories}"),
    ],
    ids=lambda arguments: arguments[0],
)  # fmt: skip
def test_data_is_as_its_schema_says(arguments: tuple[str, ...], published_pond: Pond, tmp_path: Path) -> None:
    record = {"id": "PYSEC-0", "affected": [{"package": {"ecosystem": "PyPI", "name": "lily"}, "versions": ["1.0"]}]}
    (tmp_path / "advisories.json").write_text(json.dumps(record))
    given = [one.replace("{advisories}", str(tmp_path / "advisories.json")) for one in arguments]
    done = published_pond.command(*given, "--json")
    data = json.loads(done.stdout)
    schema = json.loads((SCHEMAS / f"{arguments[0]}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(data)
    assert data


def test_a_project_and_its_publication_hold_the_same_packages(published_pond: Pond) -> None:
    def packages(*what: str) -> dict[str, list[tuple[str, str, int]]]:
        data = json.loads(published_pond.command("tree", *what, "--json").stdout)
        assert data["notes"] == []
        return {
            layer["name"]: [(one["name"], one["purl"], one["size"]) for one in layer["packages"]]
            for layer in data["layers"]
        }

    found = packages("_artifacts")
    assert found == packages()
    assert [name for name, *_ in found["app-newt"]] == ["newt"]
    shown = published_pond.command("tree", "--invert", "frog")
    assert "frog 1.0 [framework-frog]" in shown.stdout, shown
    assert "framework-frog declares frog" in shown.stdout, shown
    assert "newt 1.0 [app-newt] needs frog" in shown.stdout, shown
    wrong = published_pond.command("tree", "--invert", "frogs")
    assert (wrong.returncode, "did you mean 'frog'?" in wrong.stderr) == (2, True)


def test_a_report_has_the_last_run_and_is_a_valid_page(published_pond: Pond, tmp_path: Path) -> None:
    place = tmp_path / "new/report.html"
    done = published_pond.command("report", "-o", str(place))
    assert (done.returncode, done.stdout) == (0, "")
    page = check_page(place.read_text("utf-8"))
    assert "Longest chain of tasks" in page.text
    assert "build:framework-frog" in page.text
    refused = published_pond.command("report", "-o", str(place / "x.html"))
    assert (refused.returncode, "choose another --output file" in refused.stderr) == (2, True)


def test_a_project_does_not_differ_from_its_publication(published_pond: Pond) -> None:
    data = json.loads(published_pond.command("diff", "_artifacts", "--json").stdout)
    assert {one["name"]: one["status"] for one in data["layers"]} == dict.fromkeys(BUILT, "same")
    assert published_pond.command("diff", "v9").returncode == 2


def test_licences_and_advisories_end_with_a_code_of_their_own(published_pond: Pond, tmp_path: Path) -> None:
    refused = published_pond.command("licenses", "--allow", "MIT", "--app", "plain")
    assert (refused.returncode, refused.stderr) == (12, "not accepted: pond 1.0 (unknown)\n")
    unknown = published_pond.command("licenses", "--deny", "GPL-3.0-only", "--app", "plain")
    note = "note: packages without a known licence: 1; `--deny unknown` refuses them, too\n"
    assert (unknown.returncode, unknown.stderr) == (0, note)
    record = {"id": "PYSEC-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "lily"}, "versions": ["1.0"]}]}
    (tmp_path / "osv.json").write_text(json.dumps(record))
    done = published_pond.command("audit", "_artifacts", "--osv", str(tmp_path / "osv.json"), "--json")
    data = json.loads(done.stdout)
    assert (done.returncode, data["findings"], set(data["not_compared"])) == (0, [], {"pond", "frog", "lily", "newt"})
    missing = published_pond.command("audit", "--osv", str(tmp_path / "none.json"))
    assert (missing.returncode, "in the OSV format" in missing.stderr) == (2, True)


def test_a_built_stack_is_in_good_health(published_pond: Pond) -> None:
    done = published_pond.command("doctor", "--json")
    found = {one["subject"]: one["level"] for one in json.loads(done.stdout)}
    assert done.returncode == 0
    assert {found[name] for name in ("Python", "platform", "uv", "locks", "state")} == {"ok"}
    assert found["runtime py"] in {"ok", "warning"}, (
        "this machine's glibc may be newer than what the layer is meant for"
    )
