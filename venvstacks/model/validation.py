"""Makes a stack from a draft, and checks the rules that need several tables, uv's settings or files.

Layers are resolved in declared order. A layer with faults stays unresolved; references to it are not reported as
faults of their own, so that each mistake is reported once. All faults are raised together at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from venvstacks.errors import Fault, SpecificationError
from venvstacks.model.application_modules import SOURCE_PLACE, find_modules, launches_installed
from venvstacks.model.draft import Draft, DraftLayer, fault_without_secrets
from venvstacks.model.file_references import RequirementsFrom
from venvstacks.model.inheritance import inherit_overrides, inherit_package_indexes
from venvstacks.model.launches import Launch, launches
from venvstacks.model.linearize import NoLinearOrderError, linearize
from venvstacks.model.names import find_name_faults
from venvstacks.model.oldest_systems import DEFAULT_MACOS, oldest_systems
from venvstacks.model.own_packages import OwnUse, find_own_packages
from venvstacks.model.platforms import PLATFORMS, PythonImplementation, TargetPlatform
from venvstacks.model.positions import KeyPath
from venvstacks.model.source_trees import SourceTree
from venvstacks.model.sources import parse_sources
from venvstacks.model.specification import ApplicationSpec, LayerSpec, RuntimeSpec
from venvstacks.model.specification_values import MACOS_VERSION
from venvstacks.model.stack import Layer, Stack, nearest
from venvstacks.model.surroundings import Surroundings
from venvstacks.model.uv_environments import differing_environments
from venvstacks.model.uv_settings import effective_uv, find_uv_faults, index_names

if TYPE_CHECKING:
    from venvstacks.model.foreign_files import FileContents

_FILE_PLACE = "correct that file, or what this key says about it; paths are relative to the specification"


def resolve(draft: Draft, surroundings: Surroundings) -> Stack:
    """Make the stack that `draft` describes.

    Raises:
        SpecificationError: The draft or the resolution has faults; it lists all of them.
    """
    return _Resolver(draft, surroundings).resolve()


class _Resolver:
    def __init__(self, draft: Draft, surroundings: Surroundings) -> None:
        self.draft = draft
        self.surroundings = surroundings
        self.faults = list(draft.faults)
        self.uv = effective_uv(draft.uv, surroundings)
        self.indexes = index_names(self.uv)
        self.declared, _ = parse_sources(self.uv.get("sources", {}))
        self.layers: dict[tuple[str, str], Layer | None] = {}
        self.macos_default = surroundings.macosx_deployment_target or DEFAULT_MACOS
        self.resolved: list[Layer] = []
        self.warnings: list[str] = []

    def resolve(self) -> Stack:
        inline = self.draft.uv is not None
        for path, message, hint in find_uv_faults(self.uv):
            place = ("tool", "uv", *path) if inline else path
            advice = hint if inline else f"in venvstacks.uv.toml, next to the specification: {hint}"
            self._fault(place if inline else (), message, key=".".join(map(str, place)), hint=advice)
        self.faults += find_name_faults(self.draft)
        self._check_macos_default()
        for entry in self.draft.layers:
            layer = self._resolve_layer(entry) if entry.spec else None
            self.layers.setdefault((_group(entry.kind), entry.name), layer)
            if layer:
                self.resolved.append(layer)
        if self.faults:
            raise SpecificationError(self.draft.source, tuple(self.faults))
        targets = [(target, layer.python) for layer in self.resolved for target in layer.platforms]
        uv_file = f"{self.draft.source}: [tool.uv]" if inline else "venvstacks.uv.toml"
        differing = (f"{uv_file}: {text}" for text in differing_environments(self.uv, targets))
        warnings = (*self.draft.warnings, *self.warnings, *differing)
        if not self.resolved:
            warnings += (f"{self.draft.source} declares no layers; `venvstacks init DIR` writes some to begin with",)
        return Stack(self.draft.source, tuple(self.resolved), self.draft.settings, self.uv, warnings)

    def _fault(
        self, path: KeyPath, message: str, layer: str | None = None, key: str | None = None, hint: str | None = None
    ) -> None:
        self.faults.append(fault_without_secrets(Fault(message, self.draft.line_of(path), layer, key, hint)))

    def _resolve_layer(self, entry: DraftLayer) -> Layer | None:
        spec = entry.spec
        assert spec is not None  # noqa: S101 - the caller's condition, for the type checker
        known = len(self.faults)
        sources = self._resolve_sources(entry, spec)
        self._check_index_names(entry, spec)
        gathered = list(self._gather(entry, spec))
        below = self._resolve_below(entry, spec)
        if below is None:
            return None
        runtime, frameworks = below
        chain = (*frameworks, *((runtime,) if runtime else ()))
        parents = nearest(chain)  # settings of all lower layers are inherited through these
        package_indexes = self._inherit_indexes(entry, spec, parents)
        platforms = self._resolve_platforms(entry, spec, parents)
        overrides = [spec.overrides, *(each.overrides for each in gathered), *(each.overrides for each in parents)]
        python, series = (chain[-1].python, None) if chain else self._python(entry, spec)
        targets = self._launches(spec)
        requirements = (*spec.requirements, *_lines(gathered))
        if len(self.faults) > known or python is None:
            return None
        self._warn_of_environments(entry, gathered, [(target, python) for target in platforms])
        return Layer(
            kind=entry.kind,
            name=spec.name,
            requirements=requirements,
            python=python,
            platforms=platforms,
            **oldest_systems(spec, self.macos_default, chain),
            versioned=spec.versioned,
            dynlib_exclude=spec.dynlib_exclude,
            dynlib_path=spec.dynlib_path,
            package_indexes=package_indexes,
            priority_indexes=spec.priority_indexes,
            runtime=runtime,
            frameworks=frameworks,
            launch=next(iter(sources if not targets else ()), None),
            support=sources if targets else sources[1:],
            launches=targets,
            desktop=spec.desktop if isinstance(spec, ApplicationSpec) else None,
            python_series=series,
            gathered=tuple(part for contents in gathered for part in contents.gathered),
            input_files=tuple(dict.fromkeys(path for contents in gathered for path in contents.files)),
            exclude=spec.exclude,
            overrides=inherit_overrides(overrides),
            align_versions=self.draft.settings.align_versions,
            own=self._find_own(entry, requirements, python, platforms),
        )

    def _find_own(
        self,
        entry: DraftLayer,
        requirements: tuple[str, ...],
        python: PythonImplementation,
        platforms: tuple[TargetPlatform, ...],
    ) -> tuple[OwnUse, ...]:
        try:
            return find_own_packages(requirements, self.declared, self.surroundings.projects, python, platforms)
        except ValueError as error:
            self._fault((*entry.path, "requirements"), str(error), entry.name, "requirements", SOURCE_PLACE)
            return ()

    def _gather(self, entry: DraftLayer, spec: LayerSpec) -> Iterator[FileContents]:
        named: list[tuple[str, int, RequirementsFrom]] = [
            *(("requirements-from", index, source) for index, source in enumerate(spec.requirements_from)),
            *(("constraints-from", index, source) for index, source in enumerate(spec.constraints_from)),
        ]
        if named:
            from venvstacks.model.requirement_files import gather_requirements  # noqa: PLC0415 - few layers name files
        for key, index, source in named:
            try:
                yield gather_requirements(source, self.surroundings.requirement_files, self.surroundings.folder)
            except ValueError as error:
                self._fault((*entry.path, key, index), str(error), entry.name, key, _FILE_PLACE)

    def _check_macos_default(self) -> None:
        given = self.surroundings.macosx_deployment_target
        if given and not re.fullmatch(MACOS_VERSION, given):
            message = f"MACOSX_DEPLOYMENT_TARGET is '{given}', which is not a macOS version of the form 'X.Y'"
            self._fault((), message, hint="change or unset this environment variable")
            self.macos_default = DEFAULT_MACOS

    def _resolve_below(self, entry: DraftLayer, spec: LayerSpec) -> tuple[Layer | None, tuple[Layer, ...]] | None:
        """Runtime and linearised frameworks; None where a reference is broken."""
        runtime_name, names = getattr(spec, "runtime", None), getattr(spec, "frameworks", None)
        if isinstance(spec, RuntimeSpec):
            return None, ()
        if runtime_name is not None:
            runtime = self._refer(entry, ("runtime",), "runtimes", runtime_name)
            return (runtime, ()) if runtime else None
        found = [self._refer(entry, ("frameworks", i), "frameworks", name) for i, name in enumerate(names or ())]
        frameworks = [framework for framework in found if framework]
        if len(frameworks) < len(found):
            return None
        path = (*entry.path, "frameworks")
        runtimes = {framework.runtime: framework for framework in frameworks}
        if len(runtimes) > 1:
            pairs = ", ".join(f"'{f.name}' on '{r.name if r else ''}'" for r, f in runtimes.items())
            message = f"all frameworks of a layer must share one runtime, but here are {pairs}"
            self._fault(path, message, entry.name, "frameworks", "name frameworks of one runtime only")
            return None
        try:
            order = linearize(frameworks, [(framework, *framework.frameworks) for framework in frameworks])
        except NoLinearOrderError as error:
            orders = "; ".join(" before ".join(f"'{x.name}'" for x in part) for part in error.remaining)  # type: ignore[attr-defined]
            message = f"the frameworks have no common order (C3 linearisation): {orders}"
            self._fault(path, message, entry.name, "frameworks", "change the order in which one of them is named")
            return None
        return frameworks[0].runtime, order

    def _refer(self, entry: DraftLayer, key: KeyPath, group: str, name: str) -> Layer | None:
        if (group, name) in self.layers:
            return self.layers[group, name]
        declared = [other for other in self.draft.layers if _group(other.kind) == group and other.name == name]
        if declared and declared[0].path != entry.path:
            line = self.draft.line_of(declared[0].path)
            message, hint = f"'{name}' is declared later, in line {line}", "a layer may only refer to earlier ones"
        elif declared:
            message, hint = f"'{name}' refers to itself", "name another layer"
        else:
            known = ", ".join(sorted(known for kind, known in self.layers if kind == group)) or "none"
            message, hint = f"'{name}' is not one of the {group} declared before", f"declared before: {known}"
        self._fault((*entry.path, *key), message, entry.name, str(key[0]), hint)
        return None

    def _resolve_platforms(
        self, entry: DraftLayer, spec: LayerSpec, below: tuple[Layer, ...]
    ) -> tuple[TargetPlatform, ...]:
        possible = [target for target in PLATFORMS.values() if all(target in layer.platforms for layer in below)]
        for index, name in enumerate(spec.platforms or ()):
            lacking = [layer.name for layer in below if PLATFORMS[name] not in layer.platforms]
            if lacking:
                names = ", ".join(f"'{layer}'" for layer in lacking)
                verb = "lacks" if len(lacking) == 1 else "lack"
                message = f"platform '{name}' is not one that the layers below are made for: {names} {verb} it"
                path = (*entry.path, "platforms", index)
                self._fault(path, message, entry.name, "platforms", "remove it here, or add it below")
        if spec.platforms is None:
            return tuple(possible)
        return tuple(target for target in possible if target.name in spec.platforms)

    def _check_index_names(self, entry: DraftLayer, spec: LayerSpec) -> None:
        named: list[tuple[KeyPath, str]] = [
            *((("package_indexes", package), index) for package, index in spec.package_indexes.items()),
            *((("priority_indexes", place), index) for place, index in enumerate(spec.priority_indexes)),
            *((("index_overrides", old), old) for old in spec.index_overrides),
            *((("index_overrides", old), new) for old, new in spec.index_overrides.items()),
        ]
        for key, index in named:
            if index not in self.indexes:
                known = ", ".join(sorted(self.indexes)) or "none"
                message = f"'{index}' is not a named index of uv's settings"
                self._fault((*entry.path, *key), message, entry.name, str(key[0]), f"named indexes: {known}")

    def _inherit_indexes(self, entry: DraftLayer, spec: LayerSpec, below: tuple[Layer, ...]) -> dict[str, str]:
        # What a framework inherits, or has accepted by an override, is settled for the layers above it.
        claims = [(spec.name, spec.package_indexes), *((layer.name, layer.package_indexes) for layer in below)]
        merged, conflicts = inherit_package_indexes(claims, spec.index_overrides)
        for conflict in conflicts:
            (one, first), (two, second) = conflict.first, conflict.second
            message = f"'{conflict.package}' comes from index '{first}' in '{one}' but from '{second}' in '{two}'"
            hint = f'agree on one, or accept one: index_overrides = {{ "{second}" = "{first}" }}'
            self._fault((*entry.path, "package_indexes"), message, entry.name, "package_indexes", hint)
        return merged

    def _resolve_sources(self, entry: DraftLayer, spec: LayerSpec) -> tuple[SourceTree, ...]:
        if not isinstance(spec, ApplicationSpec):
            return ()
        found = find_modules(spec, self.surroundings.sources)
        for key, message, hint in found.faults:
            self._fault((*entry.path, *key), message, entry.name, str(key[0]), hint)
        if found.warning:
            self._warn((*entry.path, "launch_module"), entry.name, found.warning)
        return found.sources

    def _launches(self, spec: LayerSpec) -> tuple[Launch, ...]:
        if not isinstance(spec, ApplicationSpec):
            return ()
        is_installed = launches_installed(spec, self.surroundings.sources)
        return launches(spec.name, spec.launch, spec.launch_module if is_installed else None)

    def _python(self, entry: DraftLayer, spec: LayerSpec) -> tuple[PythonImplementation | None, str | None]:
        """The Python of a runtime, and its series if it names one: then the release in its lock, or the newest."""
        assert isinstance(spec, RuntimeSpec)  # noqa: S101 - all others have a runtime below
        series = PythonImplementation.parse_series(spec.python_implementation)
        if series is None:
            return PythonImplementation.parse(spec.python_implementation), None
        chosen = self.surroundings.pythons[spec.name]
        where = (*entry.path, "python_implementation")
        if chosen.python is None:
            self._fault(where, chosen.fault, spec.name, "python_implementation", f"write the release: {series}.Z")
        elif chosen.provider:
            source = f"the newest {series} of provider {chosen.provider}"
            self._warn(where, spec.name, f"{chosen.python} is used, {source}; locking the layer keeps it")
        return chosen.python, str(series)

    def _warn_of_environments(
        self,
        entry: DraftLayer,
        gathered: Iterable[FileContents],
        targets: list[tuple[TargetPlatform, PythonImplementation]],
    ) -> None:
        for contents in gathered:
            for text in differing_environments(contents.environments, targets):
                self._warn((*entry.path, "requirements-from"), entry.name, f"{contents.files[0]}: {text}")

    def _warn(self, path: KeyPath, layer: str, message: str) -> None:
        self.warnings.append(f"{self.draft.source}:{self.draft.line_of(path)}: layer '{layer}': {message}")


def _lines(gathered: Iterable[FileContents]) -> Iterator[str]:
    for contents in gathered:
        for part in contents.gathered:
            yield from () if part.is_constraint else part.lines


def _group(kind: str) -> str:
    return f"{kind}s"
