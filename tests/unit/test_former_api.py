from __future__ import annotations

import importlib

import pytest

import venvstacks


def test_the_former_api_names_the_present_one() -> None:
    with pytest.raises(ImportError) as caught:
        importlib.import_module("venvstacks.stacks")
    message = str(caught.value)
    assert "\n" not in message
    assert "load_project" in message
    assert callable(venvstacks.load_project)
    assert callable(venvstacks.run)
