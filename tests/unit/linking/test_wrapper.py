"""The wrapper's text; what it does is shown by running it, in the integration tests."""

from __future__ import annotations

import pytest

from venvstacks.linking.wrapper import wrapper_text
from venvstacks.model.platforms import PLATFORMS


@pytest.mark.parametrize(("platform", "variable"), [("linux_x86_64", "LD_"), ("macosx_arm64", "DYLD_FALLBACK_")])
def test_it_sets_the_platform_s_variable_and_one_of_its_own(platform: str, variable: str) -> None:
    text = wrapper_text(str(PLATFORMS[platform].dynamic_library_variable), "libexec/python3.11", "share/x")
    assert f"export {variable}LIBRARY_PATH\n" in text
    own = text.count("VENVSTACKS_LIBRARY_PATH")
    assert text.count("LIBRARY_PATH") == text.count(f"{variable}LIBRARY_PATH") + own
    assert "@" not in text.replace('"$@"', "")


def test_paths_are_quoted() -> None:
    text = wrapper_text("LD_LIBRARY_PATH", "libexec/python3.11", "a'b $c/x")
    assert """/'a'"'"'b $c/x'\n""" in text


@pytest.mark.parametrize(("interpreter", "folder"), [("/usr/bin/python", "x"), ("x", "/usr/lib")])
def test_absolute_paths_are_refused(interpreter: str, folder: str) -> None:
    with pytest.raises(ValueError, match="relative paths"):
        wrapper_text("LD_LIBRARY_PATH", interpreter, folder)
