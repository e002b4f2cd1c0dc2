"""Jobs of CI systems: one for each platform with work, in forms that these systems accept."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.support.tiny_graphs import graph_of
from venvstacks.cli.ci_matrix import JobSource
from venvstacks.planning.forecast import Plan
from venvstacks.planning.plan import PlannedTask
from venvstacks.reasons import Reason

GRAPH = graph_of("a: s -> a.out\nb: a.out -> b.out\n")
IDLE = Plan(GRAPH, (PlannedTask("a", "up to date"), PlannedTask("b", "up to date")))
BUSY = Plan(GRAPH, (PlannedTask("a", "cached", cached_bytes=5), PlannedTask("b", "run", (Reason("never run"),))))
WORKFLOW = Path(__file__).parents[3] / "docs/ci/publish-platforms.yml"


def jobs(**plans: Plan) -> JobSource:
    return JobSource(plans, "my stack/venvstacks.toml", "my stack/_artifacts", "1.2.3")


def parsed(text: str) -> Any:
    yaml = pytest.importorskip("ruamel.yaml")
    return yaml.YAML(typ="safe").load(text)


def check(schema: str, data: Any) -> None:
    """Compare a file's content with the schema that its CI system publishes."""
    validators = pytest.importorskip("jsonschema")
    place = files(pytest.importorskip("check_jsonschema")) / f"builtin_schemas/vendor/{schema}.json"
    validators.validate(data, json.loads(place.read_text("utf-8")))


def test_a_matrix_has_the_platforms_with_work() -> None:
    text = jobs(linux_x86_64=BUSY, win_amd64=IDLE, macosx_arm64=BUSY).text("github-matrix")
    assert text == (
        '{"include":[{"platform":"linux_x86_64","runner":"ubuntu-latest","tasks":2},'
        '{"platform":"macosx_arm64","runner":"macos-latest","tasks":2}]}'
    )
    nothing = jobs(linux_x86_64=IDLE).text("github-matrix")
    assert nothing in WORKFLOW.read_text("utf-8"), "the workflow compares with it"


def test_a_child_pipeline_publishes_and_joins() -> None:
    text = jobs(linux_x86_64=BUSY, win_amd64=BUSY, macosx_arm64=IDLE).text("gitlab")
    data = parsed(text)
    check("gitlab-ci", data)
    assert list(data) == ["stages", "default", "linux_x86_64", "win_amd64", "join"]
    assert data["default"]["before_script"] == ["pip install venvstacks==1.2.3"]
    assert data["win_amd64"] == {
        "stage": "publish",
        "script": [
            "venvstacks build 'my stack/venvstacks.toml' --publish --locked --tag-outputs --platform win_amd64",
            "mv 'my stack/_artifacts' part-win_amd64",
        ],
        "artifacts": {"paths": ["part-win_amd64"]},
    }
    assert data["join"]["script"] == ["venvstacks join 'my stack/_artifacts' part-linux_x86_64 part-win_amd64"]


def test_a_pipeline_with_nothing_to_do_has_a_job() -> None:
    data = parsed(jobs(linux_x86_64=IDLE).text("gitlab"))
    check("gitlab-ci", data)
    assert list(data) == ["nothing-to-do"]


def test_the_documented_workflow_fits_github_s_schema() -> None:
    check("github-workflows", parsed(WORKFLOW.read_text("utf-8")))


def test_the_schema_would_notice() -> None:
    validators = pytest.importorskip("jsonschema")
    broken = WORKFLOW.read_text("utf-8").replace("runs-on:", "runs_on:")
    with pytest.raises(validators.ValidationError):
        check("github-workflows", parsed(broken))
