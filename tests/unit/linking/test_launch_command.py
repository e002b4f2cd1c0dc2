"""How an application's module is started."""

from __future__ import annotations

import pytest

from venvstacks.linking.launch_command import launch_environment, launch_options


@pytest.mark.parametrize("version", ["3.11.0", "3.14.2", "3.11"])
def test_newer_pythons_have_an_option_for_it(version: str) -> None:
    assert launch_options(version, "hop") == ["-P", "-m", "hop"]


def test_older_pythons_remove_the_folder_themselves() -> None:
    option, code = launch_options("3.10.4", "hop")
    assert option == "-c"
    assert "del sys.path[0]" in code
    assert "_run_module_as_main('hop')" in code


def test_what_is_asked_for_is_as_python_does_it() -> None:
    assert launch_options("3.11.0", "hop", isolated=False) == ["-m", "hop"]
    assert launch_environment({"PYTHONPATH": "x"}, isolated=False) == {"PYTHONPATH": "x"}


def test_variables_that_redirect_imports_do_not_reach_the_application() -> None:
    variables = {"PYTHONPATH": "x", "PYTHONHOME": "y", "PYTHONWARNINGS": "error", "HOME": "/"}
    assert launch_environment(variables) == {"PYTHONWARNINGS": "error", "HOME": "/"}
