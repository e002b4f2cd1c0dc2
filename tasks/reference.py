"""What the documentation says twice: the specification's schema, and tables of keys and options between markers.

A generated part of a page stands between `<!-- begin: <name> -->` and `<!-- end: <name> -->`. A test holds all of
them equal to what the models and the command line say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DOCS = Path("docs")
DECISIONS = DOCS / "decisions"
SCHEMA = DOCS / "schema/venvstacks.schema.json"
PLAN_SCHEMA = DOCS / "schema/plan.schema.json"
PAGES = (
    DOCS / "specification.md",
    DOCS / "commands.md",
    DOCS / "api.md",
    DOCS / "troubleshooting.md",
    DECISIONS / "index.md",
)

_MARKED = re.compile(r"(?P<begin><!-- begin: (?P<name>.+?) -->\n).*?(?P<end><!-- end: (?P=name) -->)", re.DOTALL)
_KEYS = (
    "every layer",
    "runtimes",
    "frameworks and applications",
    "applications",
    "tool.venvstacks",
    "desktop",
    "runtime archives",
)
_ENDINGS = {
    "DONE": "done",
    "MIXED": "several tasks failed in different ways, or a defect of this program",
    "USAGE": "the command line makes no sense, or the task state cannot be used",
    "SPECIFICATION": "the specification is wrong",
    "LOCKING": "locking failed",
    "BUILDING": "building or linking failed",
    "PUBLISHING": "publishing, exporting, verifying or deploying failed, or a publication cannot be read",
    "WORK_TO_DO": "`plan --exit-code` found work to do",
    "NOT_LOCKED": "`--locked` found a lock that is missing or not valid",
    "FOUND": "`licenses` found a licence that is not accepted, or `audit` an advisory",
    "INTERRUPTED": "interrupted (Ctrl-C)",
    "TERMINATED": "ended by SIGTERM",
}


def write_reference() -> None:
    """Write the schema and fill the pages; files that are right already are left alone."""
    from venvstacks.cli.run_report import report_schema_text  # noqa: PLC0415 - doit only lists tasks most of the time
    from venvstacks.insight.data_schemas import printed_schemas  # noqa: PLC0415
    from venvstacks.model.schema import schema_text  # noqa: PLC0415
    from venvstacks.planning.forecast import plan_schema_text  # noqa: PLC0415
    from venvstacks.records.schemas import published_schemas  # noqa: PLC0415

    published = {SCHEMA.with_name(name): text for name, text in published_schemas().items()}
    published[PLAN_SCHEMA] = plan_schema_text()
    published |= {SCHEMA.with_name(f"{name}.schema.json"): text for name, text in printed_schemas().items()}
    published[SCHEMA.with_name("run-report.schema.json")] = report_schema_text()
    texts = {SCHEMA: schema_text(), **published, **{page: fill(page.read_text("utf-8")) for page in PAGES}}
    for path, text in texts.items():
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")


def fill(page: str) -> str:
    """A page with all of its generated parts written again.

    Raises:
        KeyError: A marker names nothing that can be generated.
    """
    return _MARKED.sub(lambda found: f"{found['begin']}\n{_generate(found['name'])}\n\n{found['end']}", page)


def generated_names() -> tuple[str, ...]:
    """Everything that has to be generated somewhere."""
    return (
        *(f"keys of {name}" for name in _KEYS),
        *(f"options of {name}" for name in _commands()),
        "exit codes",
        "stable names",
        "decisions",
    )


def _generate(name: str) -> str:
    what, _, subject = name.partition(" of ")
    if what == "keys":
        return _keys(subject)
    if what == "options":
        return _options(_commands()[subject])
    if name == "stable names":
        return _stable_names()
    if name == "exit codes":
        return _exit_codes()
    if name == "decisions":
        return "\n".join(
            f"- {page.name[:4]}: [{_title(page)}]({page.name})" for page in sorted(DECISIONS.glob("0*.md"))
        )
    raise KeyError(name)


def _title(page: Path) -> str:
    heading = page.read_text("utf-8").partition("\n")[0]
    return re.sub(r"^# *(\d+[.:] *)?", "", heading)


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _keys(subject: str) -> str:
    from venvstacks.model.schema import specification_schema  # noqa: PLC0415

    models = specification_schema()["$defs"]
    runtime, framework, application = (models[name] for name in ("RuntimeSpec", "FrameworkSpec", "ApplicationSpec"))
    shared = runtime["properties"].keys() & application["properties"].keys()
    tables = {
        "every layer": (application, shared),
        "runtimes": (runtime, runtime["properties"].keys() - shared),
        "frameworks and applications": (framework, framework["properties"].keys() - shared),
        "applications": (application, application["properties"].keys() - framework["properties"].keys()),
        "desktop": (models["DesktopTable"], None),
        "tool.venvstacks": (models["ToolSettings"], None),
        "runtime archives": (models["RuntimeArchive"], None),
    }
    model, chosen = tables[subject]
    rows: list[tuple[str, ...]] = []
    for name, said in model["properties"].items():
        if chosen is None or name in chosen:
            default = "required" if name in model.get("required", ()) else _default(said)
            rows.append((f"`{name}`", _type(said), default, said["description"]))
    return _table(("key", "type", "default", "meaning"), rows)


def _default(said: Mapping[str, Any]) -> str:
    return f"`{json.dumps(said['default'])}`" if said.get("default") not in (None, {}) else ""


def _type(said: Mapping[str, Any]) -> str:
    if "enum" in said:
        return _choices(said)
    if "anyOf" in said:
        return ", ".join(map(_type, said["anyOf"]))
    if said.get("type") == "array":
        kind = "paths and tables" if "$ref" in said["items"] else "strings"
        return "list of " + ("names" if "enum" in said["items"] else kind)
    return {"string": "string", "boolean": "true or false", "integer": "whole number"}.get(
        said.get("type", ""), "table"
    )


def _choices(said: Mapping[str, Any]) -> str:
    return ", ".join(f"`{choice}`" for choice in said["enum"])


def _commands() -> dict[str, Any]:
    import typer  # noqa: PLC0415

    from venvstacks.cli.app import make_app  # noqa: PLC0415

    group: Any = typer.main.get_command(make_app())
    return {"venvstacks": group, **group.commands}


def _options(command: Any) -> str:  # noqa: ANN401 - typer's command
    rows = [row for parameter in command.params for row in _option(parameter)]
    if not rows:
        return "No options."
    return _table(("option", "default", "meaning"), rows)


def _option(parameter: Any) -> Iterator[tuple[str, ...]]:  # noqa: ANN401
    if parameter.param_type_name != "option" or parameter.name in {"install_completion", "show_completion"}:
        return
    value = "" if parameter.is_flag else f" {parameter.metavar}"
    spellings = [*(f"`{name}{value}`" for name in parameter.opts), *(f"`{name}`" for name in parameter.secondary_opts)]
    envvar = f" Also `{parameter.envvar}` in the environment." if parameter.envvar else ""
    default = parameter.default
    if isinstance(default, bool):
        names = parameter.opts if default else parameter.secondary_opts
        default = names[0] if names else None
    yield ", ".join(spellings), f"`{default}`" if default else "", f"{parameter.help}{envvar}"


def _exit_codes() -> str:
    from venvstacks.errors import ExitCode  # noqa: PLC0415

    return _table(("code", "meaning"), [(str(int(code)), _ENDINGS[code.name]) for code in ExitCode])


def _stable_names() -> str:
    from venvstacks import api  # noqa: PLC0415

    return ", ".join(f"`{name}`" for name in sorted(api.__all__))
