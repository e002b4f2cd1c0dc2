"""Options that commands take in groups, each group as one value.

A command names a group by the type of a parameter. `expanded` turns that parameter into one option for each of the
group's fields. Fields are called as in the API's own shapes, so that `given` can hand them on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, get_type_hints

from venvstacks.cli import declared_options as o


@dataclass(kw_only=True, eq=False, repr=False)
class Chosen:
    """Which layers; fields of `Selection`, as in the groups that extend this one."""

    include: o.Include = None
    allow_missing: o.AllowMissing = False


@dataclass(kw_only=True, eq=False, repr=False)
class Targets:
    """Target platforms; a field of `Selection`."""

    platforms: o.Platforms = None


@dataclass(kw_only=True, eq=False, repr=False)
class LockedLayers(Chosen):
    """Which layers to lock."""

    reset_lock: o.ResetLock = None
    lock_dependencies: o.LockDependencies = None


@dataclass(kw_only=True, eq=False, repr=False)
class PublishedLayers(Chosen):
    """Which layers to publish or export."""

    publish_dependencies: o.PublishDependencies = None
    publish_derived: o.PublishDerived = None


@dataclass(kw_only=True, eq=False, repr=False)
class Layers(PublishedLayers, LockedLayers):
    """Which layers to lock, build and publish."""

    include_dependencies: o.IncludeDependencies = None
    build_dependencies: o.BuildDependencies = None
    build_derived: o.BuildDerived = None


@dataclass(kw_only=True, eq=False, repr=False)
class Packages:
    """Where packages come from; fields of `Options`, as in the next two."""

    use_index: o.Index = True
    local_wheels: o.LocalWheels = None


@dataclass(kw_only=True, eq=False, repr=False)
class Archives:
    """How archives are written."""

    tag_outputs: o.TagOutputs = False
    archive_format: o.ArchiveFormat = None
    archive_level: o.ArchiveLevel = None
    compression: o.Compression = None
    release: o.Release = None


@dataclass(kw_only=True, eq=False, repr=False)
class Environments:
    """How environments are made."""

    runtime_providers: o.RuntimeProvider = None
    check_imports: o.CheckImports = None
    emulators: o.Emulator = None


@dataclass(kw_only=True, eq=False, repr=False)
class Sharing:
    """Where results are shared with other machines; fields of `Options`."""

    remote_cache: o.RemoteCache = None
    push: o.Push = None


@dataclass(kw_only=True, eq=False, repr=False)
class Distributing(Sharing):
    """Which machines do tasks, and where they share results."""

    on: o.On = None


@dataclass(kw_only=True, eq=False, repr=False)
class Delivering:
    """How what was built is written for others."""

    force: o.Force = False
    locked: o.Locked = False
    check_environments: o.CheckEnvironments = False
    dry_run: o.DryRun = False


@dataclass(kw_only=True, eq=False, repr=False)
class Describing:
    """What a publication says about itself; fields of `Descriptions`. None is what the specification says."""

    bills: o.Bills = None
    provenance: o.Provenance = None
    builder: o.Builder = None


@dataclass(kw_only=True, eq=False, repr=False)
class Showing:
    """What is shown first, and how."""

    show: o.Show = False
    show_only: o.ShowOnly = False
    json: o.Json = False

    @property
    def runs(self) -> bool:
        """Whether something runs afterwards; JSON alone is shown only."""
        return not self.show_only and (self.show or not self.json)


@dataclass(kw_only=True, eq=False, repr=False)
class Running:
    """How tasks are run."""

    jobs: o.Jobs = None
    timeout: o.Timeout = None
    keep_going: o.KeepGoing = False
    trace: o.Trace = None
    report: o.ReportFile = None


def given(*groups: object) -> dict[str, Any]:
    """The options of groups that were given or have a default, by name; lists as tuples."""
    values = {field.name: getattr(group, field.name) for group in groups for field in fields(group)}  # type: ignore[arg-type]
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if value is not None
    }


def expanded(command: Callable[..., int]) -> Callable[..., int]:
    """A command with an option for each field of each group that it takes."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        name: each.annotation for name, each in signature.parameters.items() if is_dataclass(each.annotation)
    }
    if not groups:
        return command
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += _options(groups[parameter.name]) if parameter.name in groups else [parameter]

    @functools.wraps(command)
    def flat(*arguments: Any, **options: Any) -> int:  # noqa: ANN401 - whatever the command line holds
        values = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        return command(*arguments, **options, **values)

    flat.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {each.name: each.annotation for each in parameters}
    return flat


def _options(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401 - one of the dataclasses above
    types = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(each.name, kind, default=each.default, annotation=types[each.name]) for each in fields(group)
    ]
