"""What is printed of a value by chance (a traceback, a debugger, `doit info`) holds no environment variables."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import venvstacks

_HOLD_VARIABLES = {"environment", "env", "variables"}


def _fields_with_variables() -> Iterator[tuple[str, dataclasses.Field[object]]]:
    for module in pkgutil.walk_packages(venvstacks.__path__, "venvstacks."):
        if module.name.endswith("__main__") or module.name == "venvstacks.stacks":  # which is not to be imported
            continue
        loaded = importlib.import_module(module.name)
        for name, value in vars(loaded).items():
            if inspect.isclass(value) and value.__module__ == module.name and dataclasses.is_dataclass(value):
                for field in dataclasses.fields(value):
                    if field.name in _HOLD_VARIABLES and "Mapping" in str(field.type):
                        yield f"{module.name}.{name}", field


def test_environments_are_not_printed() -> None:
    found = list(_fields_with_variables())
    assert len(found) >= 4, "otherwise this test looks at the wrong fields"
    assert [place for place, field in found if field.repr] == []
