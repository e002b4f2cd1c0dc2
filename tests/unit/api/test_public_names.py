"""What the API exports: all that its functions take, return and raise, and the same names in both places."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Iterator

import pytest

import venvstacks
from venvstacks import api, deployment, errors

LATE = {name: getattr(venvstacks, name) for name in ("LockChanges", "Plan", "RemoteCache")}
"""What modules import for type checkers alone."""


def _classes(annotation: object) -> Iterator[type]:
    """The classes of this package that an annotation names."""
    if inspect.isclass(annotation) and annotation.__module__.startswith("venvstacks."):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _classes(inner)


def _annotations(value: object) -> Iterator[object]:
    """Annotations of a function; of a class those of its fields, properties and methods without an underscore."""
    if inspect.isfunction(value):
        yield from typing.get_type_hints(value, {**value.__globals__, **LATE}).values()
    elif inspect.isclass(value) and not issubclass(value, BaseException):
        yield from typing.get_type_hints(value).values()
        for name, member in vars(value).items():
            function = member.fget if isinstance(member, property) else getattr(member, "func", member)
            if not name.startswith("_") and inspect.isfunction(function):
                yield typing.get_type_hints(function, {**function.__globals__, **LATE}).get("return")


RESULTS = (
    "Outcome", "Plan", "PlannedTask", "Project", "Report", "Request", "Verified", "Verification", "find_application",
    "load_project", "lock_staleness", "plan", "preview_locks", "run", "verify", "application_command", "doit_tasks",
)  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_types_of_functions_and_results_are_exported(name: str) -> None:
    named = {each.__name__ for hint in _annotations(getattr(venvstacks, name)) for each in _classes(hint)}
    assert named - set(dir(venvstacks)) == set()


def test_all_errors_are_exported() -> None:
    classes = [each for each in vars(errors).values() if inspect.isclass(each) and each.__module__ == errors.__name__]
    assert {each.__name__ for each in classes} <= set(dir(venvstacks))


def test_both_places_have_the_same_names() -> None:
    names = set(api.__all__)
    assert names <= set(dir(venvstacks)) & set(dir(api))
    for name in names:
        assert getattr(venvstacks, name) is getattr(api, name)
    assert venvstacks.deployment is deployment
    assert not hasattr(venvstacks, "no_such_name")


def test_names_of_earlier_releases_are_there() -> None:
    earlier = {
        "Options", "Project", "Report", "Request", "Selection", "doit_config", "doit_tasks", "load_project", "plan",
        "run", "deployed_names", "find_application", "lock_staleness", "preview_locks", "start_application",
    }  # fmt: skip
    assert earlier <= set(api.__all__)


@pytest.mark.parametrize("operations", ["lock", "lok", ("lok",), ("build", "lokc")])
def test_operations_that_do_not_exist_are_named(operations: typing.Any) -> None:
    with pytest.raises(errors.UsageError) as caught:
        api.Request(operations)
    assert caught.value.hint
    assert "lock" in str(caught.value)
