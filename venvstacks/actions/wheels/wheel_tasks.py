"""Wheel tasks: what they ask for, whether their results are right, doing them, and wheels that came another way.

Runs with nothing to do load this for stacks with own packages alone, which are few.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from venvstacks.actions.wheels.wheel_request import OwnWheelRequest, wheel_reasons
from venvstacks.errors import LockError
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.locking.uv_variables import apply_variables
from venvstacks.model.stack import Layer
from venvstacks.reasons import Reason

if TYPE_CHECKING:
    from venvstacks.actions.table import TaskActions
    from venvstacks.records.wheel_pins import WheelPin


def for_wheel(actions: TaskActions, label: str) -> OwnWheelRequest:
    """What the wheel task of an own package asks for."""
    package, options = actions.stack.own_packages[label], actions.options
    layer = next(layer for layer in actions.stack.layers if any(use.package == package for use in layer.own))
    upgraded = options.upgrade or package.name in options.upgrade_packages
    return OwnWheelRequest(
        package=package,
        label=label,
        layer=layer,
        uv=apply_variables(actions.stack.uv, actions.variables),
        layout=actions.configuration.layout,
        base=actions.base,
        platform=actions.configuration.host,
        log=actions.log(f"wheel:{label}"),
        providers=actions.configuration.runtime_providers,
        archives=actions.runtime_archives(package.python),
        local_wheel_dirs=options.local_wheel_folders,
        use_index=options.use_index,
        epoch=actions.configuration.epoch,
        upgrade=upgraded and options.drafts is None,
    )


def wheel_staleness(actions: TaskActions, node: TaskNode) -> tuple[Reason, ...]:
    """Why the outputs of a wheel task are not valid; empty if they are."""
    return wheel_reasons(for_wheel(actions, _label(node)), actions.digests)


def changed_source(actions: TaskActions, label: str) -> tuple[Reason, ...]:
    """Why the pin of an own package's wheel is not right; that only its wheel is missing is no reason."""
    pin = actions.configuration.layout.wheel_pin(label)
    reasons = wheel_reasons(for_wheel(actions, label), actions.digests)
    return tuple(reason for reason in reasons if reason.kind != "missing output" or reason.subject == pin)


def build_wheel(actions: TaskActions, node: TaskNode) -> Mapping[str, object]:
    """Do a wheel task.

    Raises:
        LockError: It failed.
    """
    from venvstacks.actions.wheels.build_own_wheel import build_own_wheel  # noqa: PLC0415

    return build_own_wheel(for_wheel(actions, _label(node)), actions.tools)


def pinned_wheel(actions: TaskActions, node: TaskNode) -> WheelPin | None:
    """The pin of a wheel task, if it is right for its source; the wheel itself may be missing.

    Raises:
        LockError: The pin or the source cannot be read.
    """
    label = _label(node)
    return None if changed_source(actions, label) else for_wheel(actions, label).pin()


def put_wheel(actions: TaskActions, node: TaskNode, wheel: Path) -> Mapping[str, object]:
    """Put the wheel that a pin names in place, in place of building it.

    Raises:
        LockError: The pin is gone.
        OSError: The wheel cannot be written.
    """
    from venvstacks.actions.wheels.placed_wheel import place_wheel, recorded_values  # noqa: PLC0415

    request = for_wheel(actions, _label(node))
    pin = request.pin()
    if pin is None:
        raise LockError(f"the pin of wheel {request.label} was removed", hint="run the same command again")
    place_wheel(request, pin, wheel)
    return recorded_values(pin)


def editable_folders(actions: TaskActions, layer: Layer, python: Path) -> tuple[Path, ...]:
    """Folders that lead imports of an application to the projects of its own packages, nearest layer first.

    Raises:
        BuildError: A project cannot be installed as editable.
    """
    from venvstacks.actions.wheels.editable import editable_folder  # noqa: PLC0415

    requests = (for_wheel(actions, label) for label in actions.stack.built_for(layer))
    found = (editable_folder(request, python, actions.tools) for request in requests)
    return tuple(folder for folder in found if folder)


def _label(node: TaskNode) -> str:
    """The label of the own package that a wheel task builds."""
    return node.name.partition(":")[2]
