from __future__ import annotations

import pickle

import pytest

from venvstacks.distribution.orders import Failure
from venvstacks.errors import (
    BuildError,
    ImportCheckError,
    LayerConflictError,
    LockError,
    ProcessFailedError,
    VenvstacksError,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BuildError("text", hint="do", details=("a", "b")), BuildError),
        (ImportCheckError("text"), ImportCheckError),
        (ProcessFailedError(("uv",), 2, "output\n"), VenvstacksError),
        (LayerConflictError("app", ()), LockError),
    ],
)
def test_errors_arrive_as_they_were(error: VenvstacksError, kind: type[VenvstacksError]) -> None:
    received = pickle.loads(pickle.dumps(Failure.of(error))).as_error()
    assert type(received) is kind
    assert str(received) == str(error)
    assert received.exit_code == error.exit_code


def test_errors_of_unknown_kinds_are_errors() -> None:
    assert type(Failure("Path", "text", None, ()).as_error()) is VenvstacksError
    assert type(Failure("nothing", "text", None, ()).as_error()) is VenvstacksError
