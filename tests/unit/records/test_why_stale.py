from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from venvstacks.reasons import Reason
from venvstacks.records.staleness import CHANGED_MEANWHILE, Present, TaskRecord, why_stale, with_missing_outputs

A, B = "a" * 64, "b" * 64


def record(**changes: Any) -> TaskRecord:
    return TaskRecord(**{"inputs": {"in": A}, "fingerprint": {"uv": "1"}, "outputs": ("out",), **changes})


def present(**changes: Any) -> Present:
    return Present(**{"inputs": {"in": A}, "fingerprint": {"uv": "1"}, "outputs": ("out",), **changes})


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {}, []),
        ({"interrupted": True}, {}, ["interrupted"]),
        ({}, {"inputs": {"in": B}}, [f"changed input: in: {'a' * 12} -> {'b' * 12}"]),
        ({"inputs": {"in": CHANGED_MEANWHILE}}, {}, [f"changed input: in: {CHANGED_MEANWHILE} -> {'a' * 12}"]),
        ({}, {"inputs": {"in": None}}, ["missing input: in"]),
        ({}, {"inputs": {"in": A, "more": B}}, ["new input: more"]),
        ({}, {"inputs": {}}, ["dropped input: in"]),
        ({}, {"fingerprint": {"uv": "2"}}, ["changed setting: uv: 1 -> 2"]),
        ({}, {"fingerprint": {}}, ["changed setting: uv: 1 -> nothing"]),
        ({}, {"outputs": ("out", "new")}, ["changed output list: nothing -> new"]),
        ({}, {"missing": ["out"]}, ["missing output: out"]),
        (
            {"interrupted": True, "fingerprint": {}},
            {"inputs": {"in": B}, "missing": ["out"]},
            [
                "interrupted",
                "changed setting: uv: nothing -> 1",
                f"changed input: in: {'a' * 12} -> {'b' * 12}",
                "missing output: out",
            ],
        ),
    ],
)
def test_every_reason_is_reported(before: Mapping[str, Any], now: Mapping[str, Any], expected: list[str]) -> None:
    assert [str(reason) for reason in why_stale(record(**before), present(**now))] == expected


def test_the_order_of_outputs_does_not_matter() -> None:
    assert why_stale(record(outputs=("b", "a")), present(outputs=("a", "b"))) == ()


@pytest.mark.parametrize(("digest", "expected"), [(A, ["never run"]), (None, ["never run", "missing input: in"])])
def test_tasks_that_never_ran_name_what_blocks_them(digest: str | None, expected: list[str]) -> None:
    assert [str(reason) for reason in why_stale(None, present(inputs={"in": digest}))] == expected


@pytest.mark.parametrize(
    ("reasons", "missing", "expected"),
    [
        ((), [], []),
        ((), ["out"], ["missing output: out"]),
        ((Reason("missing output", "lock file"),), ["out"], ["missing output: lock file"]),
        ((Reason("changed setting", "x"),), ["out"], ["changed setting: x", "missing output: out"]),
    ],
)
def test_a_missing_output_is_always_a_reason(
    reasons: tuple[Reason, ...], missing: list[str], expected: list[str]
) -> None:
    assert [str(reason) for reason in with_missing_outputs(reasons, missing)] == expected
