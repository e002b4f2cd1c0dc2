"""Launch targets of applications that are packages."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.specifications import module, runtime, stack_of, the_fault_of
from venvstacks.model.launches import Launch
from venvstacks.model.stack import Layer


def table(line: str) -> str:
    return f'{runtime()}[[applications]]\nname = "desk"\nruntime = "py"\nrequirements = []\n{line}\n'


def desk(line: str) -> Layer:
    return stack_of(table(line), sources={"desk.cli": None}).by_env_name["app-desk"]


FORMS: dict[str, tuple[str, str, dict[str, str]]] = {
    "module": ('launch = "desk"', "desk", {}),
    "inner module": ('launch = "desk.cli"', "desk.cli", {}),
    "function": ('launch = "desk.cli:App.main"', "_launch_desk", {}),
    "launch_module": ('launch_module = "desk.cli"', "desk.cli", {}),
    "several": (
        'launch = { serve = "desk:serve", admin-x = "desk:admin", show = "desk.show" }',
        "_launch_serve",
        {"serve": "_launch_serve", "admin-x": "_launch_admin_x", "show": "desk.show"},
    ),
}


@pytest.mark.parametrize(("line", "started", "names"), FORMS.values(), ids=list(FORMS))
def test_what_starts_an_application(line: str, started: str, names: dict[str, str]) -> None:
    layer = desk(line)
    assert (layer.launch_module, layer.launch_names) == (started, names)
    assert layer.sources == ()


@pytest.mark.parametrize(("script", "expected"), [("desk", "desk"), ("desk.exe", "desk.exe"), ("other", "")])
def test_a_launched_function_sees_the_name_of_its_script(
    script: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / script).touch()
    desk = ModuleType("desk")
    desk.main = lambda: sys.argv  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "desk", desk)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "argv", ["_launch_desk.py", "x"])
    with pytest.raises(SystemExit) as ended:
        exec(Launch("desk", "desk:main").text, {"__name__": "__main__"})
    assert ended.value.code == [str(tmp_path / expected) if expected else "_launch_desk.py", "x"]


def test_a_file_goes_before_a_module_of_a_package() -> None:
    layer = stack_of(table('launch_module = "desk.cli"'), sources={"desk.cli": module("desk.cli")}).layers[-1]
    assert layer.launches == ()
    assert layer.launch is not None


def test_support_modules_stay_what_they_are() -> None:
    layer = desk('launch = "desk"\nsupport_modules = ["legs.py"]')
    assert (layer.launch, [source.path for source in layer.support]) == (None, ["legs.py"])


WRONG = {
    'launch = "desk/cli.py"': "'desk/cli.py' is neither a module nor an entry point",
    'launch = "desk:"': "is neither a module nor an entry point",
    "launch = {}": "'launch' names no target",
    'launch = { "a b" = "desk" }': "'a b' cannot name a launch target",
    'launch = { a-b = "x:y", a_b = "x:z" }': "differ only in",
    "launch = 1": "must be a string, or a table of strings",
    'launch = "desk"\nlaunch_module = "desk.py"': "exactly one of 'launch_module' and 'launch'",
    "versioned = true": "exactly one of 'launch_module' and 'launch'",
}


@pytest.mark.parametrize(("line", "message"), WRONG.items(), ids=list(WRONG))
def test_wrong_targets(line: str, message: str) -> None:
    assert message in the_fault_of(table(line)).message


def test_a_missing_file_says_how_modules_are_named() -> None:
    fault = the_fault_of(table('launch_module = "desk"'), sources={"desk": None})
    assert "there is no file or folder 'desk'" in fault.message
    assert 'launch = "..."' in (fault.hint or "")


def test_the_module_of_a_function_runs_only_when_it_is_started() -> None:
    text = Launch("x", "json.tool:main.inner").text
    assert "from json.tool import main" in text
    assert text.endswith('if __name__ == "__main__":\n    sys.exit(main.inner())\n')
