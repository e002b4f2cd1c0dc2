"""`show` of long chains of layers: the work is in proportion to what is printed."""

from __future__ import annotations

import sys
from types import FrameType

from tests.support.specifications import framework, runtime, stack_of
from venvstacks.cli.show_output import Shown, render_tree, stack_tree


def chain(length: int) -> str:
    """One runtime, and so many frameworks, each on the one before."""
    below = ("f0" if number == 1 else f"f{number - 1}" for number in range(1, length))
    return "".join([runtime(), framework("f0"), *(framework(f"f{n}", name) for n, name in enumerate(below, start=1))])


def work_and_lines(length: int) -> tuple[int, int]:
    """How many functions are called to show a chain, and how many lines that is."""
    calls = [0]

    def count(frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG001 - the protocol of profilers
        calls[0] += event in {"call", "c_call"}

    text, before = chain(length), sys.getprofile()
    sys.setprofile(count)
    try:
        stack = stack_of(text)
        chosen = tuple(layer.env_name for layer in stack.layers)
        shown = render_tree("", stack_tree(Shown(stack, chosen, {}, {})))
    finally:
        sys.setprofile(before)
    return calls[0], len(shown.splitlines())


def test_a_chain_of_twice_as_many_layers_takes_no_more_work_for_each_line() -> None:
    work_and_lines(10)  # what is done once
    few, more = work_and_lines(60), work_and_lines(240)
    assert more[1] > 14 * few[1], "all layers below are shown"
    assert more[0] / more[1] <= few[0] / few[1]
