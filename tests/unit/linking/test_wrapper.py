"""The wrapper's text; what it does is shown by running it, in the integration tests."""

from __future__ import annotations

import pytest

from venvstacks.linking.wrapper import needs_wrapper, wrapper_text
from venvstacks.model.platforms import PLATFORMS


@pytest.mark.parametrize(("platform", "variable"), [("linux_x86_64", "LD_"), ("macosx_arm64", "DYLD_")])
def test_it_sets_the_platform_s_variable_and_no_other(platform: str, variable: str) -> None:
    text = wrapper_text(str(PLATFORMS[platform].dynamic_library_variable), "python3.11", ["../../x/share/venv/dynlib"])
    assert f"export {variable}LIBRARY_PATH\n" in text
    assert text.count("LIBRARY_PATH") == text.count(f"{variable}LIBRARY_PATH")
    assert ("DY" in text) is (variable == "DYLD_")
    assert "@" not in text.replace('"$@"', "")


def test_folders_keep_their_order_and_are_quoted() -> None:
    text = wrapper_text("LD_LIBRARY_PATH", "python3.11", ["../../b/x", "../../a'b $c/x"])
    assert """ in ../../b/x '../../a'"'"'b $c/x'; do""" in text


@pytest.mark.parametrize("folders", [[], ["/usr/lib"], ["../../a", "/usr/lib"]])
def test_without_relative_folders_there_is_no_wrapper(folders: list[str]) -> None:
    with pytest.raises(ValueError, match="relative folders"):
        wrapper_text("LD_LIBRARY_PATH", "python3.11", folders)


def test_only_layers_above_published_libraries_need_one() -> None:
    assert needs_wrapper(("../framework-x/share/venv/dynlib",))
    assert not needs_wrapper(())
