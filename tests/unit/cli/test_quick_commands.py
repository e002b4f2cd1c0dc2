"""Commands about deployments mean the same with the standard library's parser and with that of all commands."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from venvstacks.cli import deploy_session, error_boundary
from venvstacks.cli.deployer_program import quickly_parsed
from venvstacks.errors import UsageError

SAME = [
    "deploy there --to here",
    "deploy there --to=here --app frog --app newt --repair --sync --allow-downgrade --launchers bin",
    "deploy there --to here --check --json --trust root.json",
    "deploy --to here there --dry-run -q --desktop-entries shown",
    "deploy there --to here --health-check true --limit-rate 500k --no-wait",
    "deploy there --to here --later",
    "activate here --health-check true",
    "rollback here --generation 4 --no-wait",
    "rollback here --generation -1",
    "status here --verify --json",
    "status -- -here",
    "remove here --app frog --app newt",
    "remove here --purge --quiet",
    "collect here --no-wait",
    "exec here frog",
    "exec here frog -- --help -q",
    "exec here frog --verbose one -x",
]
OTHERS = [
    "status",
    "status here there",
    "status here --verif",
    "status here --no-json",
    "status here -v",
    "-q status here",
    "status -h",
    "rollback here --generation four",
    "deploy there",
    "exec here frog --no-isolated",
    "exec here frog one -- two",
    "exec here frog --help",
    "exec --isolated here frog",
    "plan",
    "",
]


class Calls:
    """Stands for the commands, and notes what is called with which arguments."""

    def __init__(self) -> None:
        self.found: list[object] = []

    def __call__(self, *arguments: object, **more: object) -> Calls:
        self.found.append((arguments, sorted(pair for pair in more.items() if pair[1])))
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.found.append(name)
        return self

    def __int__(self) -> int:
        return 0


def called(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> list[object]:
    calls = Calls()

    def execute(*arguments: object, **more: object) -> NoReturn:
        calls(*arguments, **more)
        raise UsageError("nothing is started here")

    for module in ("deploy_commands", "deployer_program"):
        monkeypatch.setattr(f"venvstacks.cli.{module}.Commands", calls)
    monkeypatch.setattr("venvstacks.api.installed_applications.execute", execute)
    assert error_boundary.run_command_line(arguments) == (2 if arguments[0] == "exec" else 0)
    return calls.found


@pytest.mark.parametrize("line", SAME)
def test_both_parsers_understand_the_same(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert quickly_parsed(line.split()) is not None
    quick = called(line.split(), monkeypatch)
    monkeypatch.setattr(error_boundary, "_DEPLOYMENTS", {})
    assert quick == called(line.split(), monkeypatch) != []


@pytest.mark.parametrize("line", OTHERS)
def test_everything_else_is_for_the_other_parser(line: str) -> None:
    assert quickly_parsed(line.split()) is None


def test_what_both_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy_session, "Commands", None)
    for line in ("remove here", "deploy there --to here --limit-rate much"):
        run = quickly_parsed(line.split())
        assert run is not None
        with pytest.raises(UsageError):
            run()
