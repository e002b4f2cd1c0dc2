"""What a single file says, and what is said about a file that cannot be read as a specification."""

from __future__ import annotations

import pytest

from tests.support.specifications import (
    APPLICATION,
    FRAMEWORK,
    RUNTIME,
    SMALL,
    SOURCE,
    faults_of,
    runtime,
    stack_of,
    the_fault_of,
)
from venvstacks.errors import ExitCode, SpecificationError
from venvstacks.model.draft import parse_draft

ARCHIVES = 'runtime-archives."cpython@3.11.7".linux_x86_64'


@pytest.mark.parametrize(
    ("text", "line", "key", "layer", "hint"),
    [
        ("framework = 1\n", 1, "framework", None, "did you mean 'frameworks'?"),
        ("zzz = 1\n", 1, "zzz", None, "known keys are runtimes, frameworks, applications, tool"),
        (RUNTIME + 'platform = ["linux_x86_64"]\n', 5, "platform", "py", "did you mean 'platforms'?"),
        (RUNTIME + "requirement = []\n", 5, "requirement", "py", "did you mean 'requirements'?"),
        (SMALL + 'launch_modul = "x"\n', 14, "launch_modul", "app", "did you mean 'launch_module'?"),
        ("[tool.venvstacks]\nruntime_provider = 1\n", 2, "tool.venvstacks.runtime_provider", None, "did you mean "),
        ("[tool.venvstacks]\njob = 1\n", 2, "tool.venvstacks.job", None, "did you mean 'jobs'?"),
        (
            f'[tool.venvstacks.{ARCHIVES}]\nurl = "a"\nsha256 = "{"0" * 64}"\nhash = 1\n', 4,
            "tool.venvstacks.runtime-archives.cpython@3.11.7.linux_x86_64.hash", None, "known keys are url, sha256",
        ),
    ],
)  # fmt: skip
def test_unknown_keys(text: str, line: int, key: str, layer: str | None, hint: str) -> None:
    fault = the_fault_of(text)
    assert (fault.message, fault.line, fault.key, fault.layer) == ("unknown key", line, key, layer)
    assert fault.hint is not None
    assert fault.hint.startswith(hint)


def test_keys_may_be_written_with_hyphens_or_underscores() -> None:
    text = SMALL.replace("launch_module", "launch-module").replace("python_implementation", "python-implementation")
    settings = '[tool.venvstacks]\nruntime_providers = ["host"]\n'
    stack = stack_of(text + settings)
    assert [layer.launch_module for layer in stack.layers] == [layer.launch_module for layer in stack_of(SMALL).layers]
    assert stack.settings.runtime_providers == ("host",)


def test_faults_of_keys_in_the_other_spelling_have_their_line() -> None:
    fault = the_fault_of(RUNTIME.replace("python_implementation", "python-implementation").replace("3.11.7", "3"))
    assert (fault.line, fault.layer) == (3, "py")
    both = the_fault_of(SMALL + 'launch-module = "y.py"\n')
    assert (both.message, both.line) == ("is another spelling of 'launch_module', which is here too", 14)
    assert both.hint == "keep one of them"


def test_long_lists_of_known_keys_are_not_shown() -> None:
    hint = the_fault_of(RUNTIME + "qqq = 1\n").hint or ""
    assert hint.startswith("none of the ")


def test_a_key_of_another_kind_of_layer_is_unknown() -> None:
    fault = the_fault_of(RUNTIME + 'launch_module = "x.py"\n')
    assert (fault.message, fault.line, fault.layer) == ("unknown key", 5, "py")


def test_several_faults_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = (
        '[[runtimes]]\nname = "py"\npython_implementation = "cpython@3"\nrequirements = ["a b"]\nversion = 1\n'
        + FRAMEWORK
        + APPLICATION.replace('"launch.py"', "'a\\launch.py'")
        + "[tool.venvstacks]\njobs = 0\n[framework]\n"
    )
    faults = faults_of(text)
    assert [(fault.line, fault.layer, fault.key) for fault in faults] == [
        (3, "py", "python_implementation"),
        (4, "py", "requirements"),
        (5, "py", "version"),
        (14, "app", "launch_module"),
        (16, None, "tool.venvstacks.jobs"),
        (17, None, "framework"),
    ]


def test_the_error_says_all_in_one_text() -> None:
    with pytest.raises(SpecificationError) as caught:
        stack_of(RUNTIME + "versoned = true\n" + FRAMEWORK.replace('"py"', '"python"'))
    assert caught.value.exit_code is ExitCode.SPECIFICATION
    unknown = "'python' is not one of the runtimes declared before (declared before: py)"
    assert str(caught.value).splitlines() == [
        "the stack specification venvstacks.toml has 2 faults",
        "  venvstacks.toml:5: layer 'py', key 'versoned': unknown key (did you mean 'versioned'?)",
        f"  venvstacks.toml:8: layer 'fw', key 'runtime': {unknown}",
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = \n", 1, "invalid value"),
        ("[[runtimes]]\nname = 'a'\nname = 'b'\n", 3, "cannot overwrite a value"),
        ("[[runtimes]\n", 1, "expected ']]'"),
        ("x = 1\ny = [1,\n", 2, ""),
    ],
)
def test_malformed_toml(text: str, line: int, message: str) -> None:
    fault = the_fault_of(text)
    assert fault.message.startswith("not valid TOML: ")
    assert message in fault.message
    assert fault.line == line


@pytest.mark.parametrize(
    ("text", "key", "message", "hint"),
    [
        ("[runtimes]\nname = 'a'\n", "runtimes", "must be an array of tables", "write [[runtimes]]"),
        ("frameworks = 1\n", "frameworks", "must be an array of tables", "write [[frameworks]]"),
        ("runtimes = [1]\n", None, "must be a table", "write [[runtimes]]"),
        ("tool = 1\n", "tool", "must be a table", "write [tool]"),
        ("[tool]\nuv = 1\n", "tool.uv", "must be a table", "write [tool.uv]"),
        ("[tool]\nvenvstacks = 1\n", "tool.venvstacks", "must be a table", "write [tool.venvstacks]"),
    ],
)
def test_tables_of_another_type(text: str, key: str | None, message: str, hint: str) -> None:
    fault = next(fault for fault in faults_of(text) if fault.message == message)
    assert (fault.key, fault.hint) == (key, hint)


def test_tables_of_other_tools_are_ignored_with_a_warning() -> None:
    stack = stack_of(SMALL + '[project]\nname = "p"\n[build-system]\nrequires = []\n')
    assert stack.warnings == tuple(
        f"{SOURCE}:{line}: table '{name}' is not for venvstacks and is ignored"
        for line, name in ((14, "project"), (16, "build-system"))
    )


def test_other_tools_may_have_their_tables() -> None:
    assert stack_of(SMALL + "[tool.ruff]\nline-length = 120\n").layers


def test_the_old_name_of_python_implementation_is_taken_with_a_warning() -> None:
    stack = stack_of(RUNTIME.replace("python_implementation", "fully_versioned_name"))
    assert str(stack.layers[0].python) == "cpython@3.11.7"
    (warning,) = stack.warnings
    assert warning.startswith(f"{SOURCE}:3: layer 'py': 'fully_versioned_name' is deprecated")
    assert "python_implementation" in warning


def test_faults_in_a_value_under_an_old_name_are_found_where_they_stand() -> None:
    fault = the_fault_of(RUNTIME.replace("python_implementation", "fully_versioned_name").replace("3.11.7", "3"))
    assert (fault.line, fault.layer) == (3, "py")


def test_old_and_new_name_together_are_one_too_many() -> None:
    fault = the_fault_of(RUNTIME + 'fully_versioned_name = "cpython@3.11.8"\n')
    assert (fault.message, fault.line, fault.key) == ("unknown key", 5, "fully_versioned_name")


def test_the_old_name_is_for_runtimes_only() -> None:
    assert the_fault_of(SMALL + 'fully_versioned_name = "cpython@3.11.8"\n').message == "unknown key"


@pytest.mark.parametrize("text", [RUNTIME, RUNTIME + FRAMEWORK, SMALL])
def test_build_requirements_are_ignored_with_a_warning(text: str) -> None:
    stack = stack_of(text + 'build_requirements = ["setuptools"]\n')
    (warning,) = stack.warnings
    assert "'build_requirements' is deprecated and ignored" in warning


def test_module_paths_are_what_has_to_be_read_from_disk() -> None:
    text = SMALL + 'support_modules = ["lib/b.py", "launch.py", "lib/a"]\n'
    assert parse_draft(text, SOURCE).module_paths == ("launch.py", "lib/b.py", "lib/a")


def test_a_draft_holds_its_faults_without_raising() -> None:
    draft = parse_draft("nonsense", SOURCE)
    assert [fault.line for fault in draft.faults] == [1]
    assert draft.layers == ()


def test_no_fault_shows_the_secrets_of_a_url() -> None:
    login, host = "frog:hunter2@", "host.invalid"
    text = (
        runtime(
            requirements=[f"a @ https://{login}{host}/x.git", f"https://{login}{host}/x?token=hunter2"],
            priority_indexes=[f"https://{login}{host}/"],
        )
        + f'[tool.uv]\nindex = [{{ name = "https://{login}{host}/", url = "x" }}]\n'
        + f'sources = {{ a = {{ index = "https://{login}{host}/simple?hunter2" }} }}\n'
        + f'[tool.venvstacks]\n"https://{login}{host}/" = 1\n'
    )
    message = "\n".join(fault.describe(SOURCE) for fault in faults_of(text))
    assert message.count(host) >= 4
    assert "hunter2" not in message
    assert "frog:" not in message
