"""Build the wheel of an own package: its source, the exact Python, one isolated build, and at first a second one.

A wheel that was built from the same source with the same requirements is taken from the cache. Whether a project
builds reproducibly is tried once for each set of build requirements, by building it in two folders.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.metadata import parse_email
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from venvstacks.actions.building.environment_tree import place_tree
from venvstacks.actions.toolset import Tools
from venvstacks.actions.wheels.built_wheels import find_built, keep_built
from venvstacks.actions.wheels.obtain_source import ObtainedSource, obtain_source
from venvstacks.actions.wheels.placed_wheel import place_wheel, recorded_values
from venvstacks.actions.wheels.wheel_request import OwnWheelRequest
from venvstacks.digests import prefixed, sha256_file, sha256_json
from venvstacks.errors import BuildError, LockError, MissingToolError, ProcessFailedError, RuntimeUnavailableError
from venvstacks.locking.uv_resolution import UnusableLockError, read_resolution
from venvstacks.locking.uv_texts import settings_text
from venvstacks.model.layout import EnvironmentLayout
from venvstacks.model.sources import parse_sources
from venvstacks.model.toml_text import TomlError, parse_toml
from venvstacks.records.wheel_pins import WheelPin
from venvstacks.runtimes.provider_request import PreparedRuntime, RuntimeRequest, RuntimeTools
from venvstacks.tools.cache_locks import note_use
from venvstacks.tools.files import staging_folder, write_if_changed
from venvstacks.tools.process import Completed
from venvstacks.tools.uv import UvTools
from venvstacks.tools.uv_build import (
    HashQuery,
    WheelBuild,
    ask_hashes,
    build_requirements,
    build_wheel,
    constraint_lines,
    explanation,
    is_other_file,
    lacked_network,
)


def build_own_wheel(request: OwnWheelRequest, tools: Tools) -> dict[str, object]:
    """Make the wheel and its pin what the source and the specification want; the pin is written last.

    Returns:
        What is to be recorded about the task.

    Raises:
        LockError: The source cannot be had, or is no project that builds the package.
        BuildError: The build failed, or its Python is not available.
        TransferError: The source cannot be fetched.
    """
    name = request.package.name
    try:
        pin = request.pin()
        source = obtain_source(request, pin, tools)
        with staging_folder(request.base / request.layout.staging, f"wheel-{name}") as staging:
            pin, wheel = _Builder(request, source, staging, tools).obtain(pin)
            place_wheel(request, pin, wheel)
        write_if_changed(request.pin_path, pin.text())
    except OSError as error:
        raise BuildError(
            f"the wheel of own package '{name}' cannot be written: {error}",
            hint="check free space and permissions of the build folder, and of the cache",
        ) from error
    return recorded_values(pin)


@dataclass(frozen=True)
class _Pinned:
    """What a build has to install for itself: exact versions, and the digests of their wheels."""

    requirements: tuple[str, ...] = ()
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Built:
    """A finished wheel, and what the build has installed for itself."""

    wheel: Path
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class _Builder:
    request: OwnWheelRequest
    source: ObtainedSource
    staging: Path
    tools: Tools

    def obtain(self, pin: WheelPin | None) -> tuple[WheelPin, Path]:
        """The wheel from the cache or from a build, and its pin."""
        request, platform = self.request, self.request.platform.name if self.request.platform else "any"
        kept = _Pinned() if pin is None or request.upgrade else _Pinned(pin.build_requirements, pin.build_hashes or {})
        if pin is not None and not request.upgrade:
            wanted = pin.model_copy(update=self._wanted())
            if found := find_built(wanted, platform, request.source_date_epoch, self.tools):
                return found
        first = self._build("first", kept)
        tried = pin is not None and pin.reproducible and pin.build_requirements == first.requirements
        same_source = pin is not None and pin.identity == (self.source.commit or self.source.digest)
        is_known = first.requirements == kept.requirements and (same_source or bool(kept.hashes))
        pinned = kept if is_known else _Pinned(first.requirements, self._hashes(first.requirements))
        is_reproducible = tried or _same(first.wheel, self._build("second", pinned).wheel)
        new = self._pin(first, pinned, is_reproducible=is_reproducible)
        keep_built(new, first.wheel, platform, request.source_date_epoch, self.tools)
        return new, first.wheel

    def _wanted(self) -> dict[str, object]:
        """The fields of a pin that say what is built."""
        package = self.request.package
        found = {"name": package.name, "source": self.request.source_settings(), "python": str(package.python)}
        return {**found, "commit": self.source.commit, "digest": self.source.digest}

    def _pin(self, built: _Built, pinned: _Pinned, *, is_reproducible: bool) -> WheelPin:
        version, platform = _checked_name(self.request, built.wheel)
        return WheelPin.model_validate(
            {
                **self._wanted(),
                "version": version,
                "build_requirements": pinned.requirements,
                "build_hashes": pinned.hashes or None,
                "inner_sources": _inner_sources(self.staging / "first-source", self.request),
                "file": built.wheel.name,
                "wheel": prefixed(sha256_file(built.wheel)),
                "metadata": _metadata_digest(self.request, built.wheel),
                "platform": platform,
                "reproducible": is_reproducible,
            }
        )

    def _hashes(self, requirements: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Digests of the wheels of requirements that a build has just installed, so that uv has them in its cache."""
        exact = [line for line in requirements if "==" in line]
        if not exact:
            return {}
        request = self.request
        query = HashQuery(
            self.staging, self._python(), self.staging / "uv.toml", request.local_wheel_dirs, request.use_index
        )
        uv_tools = UvTools.of(self.tools.environment, self.tools.processes, self.tools.resolvers)
        text = ask_hashes(query, exact, uv_tools)
        try:
            found = read_resolution(text, self.staging.as_posix()) if text else ()
        except UnusableLockError:  # an index without hashes
            found = ()
        return {
            f"{package.name}=={package.version}": tuple(
                sorted(f"sha256:{dict(wheel.hashes)['sha256']}" for wheel in package.wheels)
            )
            for package in found
            if all("sha256" in dict(wheel.hashes) for wheel in package.wheels)
        }

    def _build(self, which: str, pinned: _Pinned) -> _Built:
        """Build once; with known requirements from uv's cache if it holds them, so that no index is asked."""
        project = self.source.write_to(self.staging / f"{which}-source", self.tools)
        call = self._call(project, self.staging / f"{which}-wheel", pinned)
        try:
            uv_tools = UvTools.of(self.tools.environment, self.tools.processes, self.tools.resolvers)
            done = build_wheel(call, uv_tools, self.request.log)
            if call.offline and self.request.use_index and lacked_network(done):
                done = build_wheel(replace(call, offline=False), uv_tools, self.request.log)
        except (MissingToolError, ProcessFailedError) as error:
            raise BuildError(
                f"the wheel of own package '{self.request.package.name}' cannot be built: {error.message}",
                hint=error.hint,
            ) from error
        wheels = sorted(call.output.glob("*.whl")) if call.output.is_dir() else []
        if done.returncode or len(wheels) != 1:
            raise BuildError(
                f"the wheel of own package '{self.request.package.name}' cannot be built from "
                f"{self.request.package.source.label}",
                details=explanation(done),
                hint=self._hint(done),
            )
        return _Built(wheels[0], build_requirements(done))

    def _hint(self, done: Completed) -> str:
        name = self.request.package.name
        if is_other_file(done):
            return (
                "a file that the build needs is not the one that was recorded: mistrust it; if the change is meant, "
                f"record it with `venvstacks lock --upgrade-package {name}`"
            )
        return f"this is what its build backend said; the log is {self.request.log}"

    def _call(self, project: Path, output: Path, pinned: _Pinned) -> WheelBuild:
        request, settings, constraints = self.request, self.staging / "uv.toml", self.staging / "constraints.txt"
        settings.write_text(settings_text(request.layer, request.uv, request.base.as_posix()), "utf-8")
        exact = constraint_lines(pinned.requirements, pinned.hashes)
        constraints.write_text("".join(f"{line}\n" for line in exact), "utf-8")
        return WheelBuild(
            project=project,
            output=output,
            python=self._python(),
            settings=settings,
            constraints=constraints if exact else None,
            epoch=request.source_date_epoch,
            macos=request.layer.macos,
            find_links=request.local_wheel_dirs,
            use_index=request.use_index,
            offline=bool(exact),
        )

    def _python(self) -> Path:
        """The exact Python, without anybody's packages, in a copy of its own in the cache.

        Building leaves bytecode in it. The runtime that its provider prepares is compared with its list of files on
        every use, and would be prepared again.
        """
        request = self.request
        platform = request.platform.name if request.platform else ""
        archives = {name: archive.sha256 for name, archive in request.archives.items()}
        key = sha256_json([str(request.package.python), platform, list(request.providers), archives])[:16]
        folder = self.tools.cache / "build-pythons"
        place = folder / f"{request.package.python.versioned_name}-{key}"
        note_use(place)
        if not place.is_dir():
            prepared = self._prepared()
            with staging_folder(folder / "unfinished", key) as staging:
                place_tree(prepared.entries, prepared.tree, staging / "python")
                try:
                    (staging / "python").rename(place)
                except OSError:
                    if not place.is_dir():  # otherwise another task was first
                        raise
        assert request.platform is not None  # noqa: S101 - otherwise there is no such Python
        return place / EnvironmentLayout.of_python(request.package.python, request.platform).interpreter

    def _prepared(self) -> PreparedRuntime:
        from venvstacks.runtimes.providers import prepare_runtime  # noqa: PLC0415 - slow to import

        request, tools = self.request, self.tools
        what = f"own package '{request.package.name}' is built by {request.package.python}, which is not available"
        if request.platform is None:
            raise BuildError(f"{what}: this machine is none of the target platforms", hint="build it on one of them")
        runtime_tools = RuntimeTools(tools.processes, tools.environment, tools.cache, request.log, tools.progress)
        wanted = RuntimeRequest(request.package.python, request.platform, request.archives)
        try:
            return prepare_runtime(request.providers, wanted, runtime_tools)
        except RuntimeUnavailableError as error:
            raise BuildError(what, details=(error.message, *error.details), hint=error.hint) from error


def _same(one: Path, two: Path) -> bool:
    return one.name == two.name and sha256_file(one) == sha256_file(two)


def _checked_name(request: OwnWheelRequest, wheel: Path) -> tuple[str, str | None]:
    """Version of a built wheel, and the platform that it is for, None for all.

    Raises:
        LockError: It is the wheel of another package.
    """
    package = request.package
    try:
        name, version, _, tags = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise LockError(f"{package.source.label} built {wheel.name}, which is no name of a wheel: {error}") from None
    if name != package.name:
        raise LockError(
            f"{package.source.label} is the source of '{name}', not of '{package.name}'",
            hint=f"name the package '{name}', or another source",
        )
    is_pure = all(tag.platform == "any" for tag in tags)
    return str(version), None if is_pure or request.platform is None else request.platform.name


def _metadata_digest(request: OwnWheelRequest, wheel: Path) -> str:
    """The digest of what resolving reads of a wheel: its name with the tags, and its requirements."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            raw, _ = parse_email(archive.read(member))
    except (zipfile.BadZipFile, StopIteration, OSError) as error:
        raise LockError(f"{request.package.source.label} built a wheel that cannot be read: {error!r}") from None
    found = [wheel.name, *(raw.get(key) for key in ("name", "version", "requires_python"))]
    return prefixed(sha256_json([*found, sorted(raw.get("requires_dist", [])), sorted(raw.get("provides_extra", []))]))


def _inner_sources(folder: Path, request: OwnWheelRequest) -> dict[str, str]:
    """Where a project takes packages from by its own `[tool.uv.sources]`, by name."""
    place = folder / (request.package.source.subdirectory or "") / "pyproject.toml"
    try:
        document = parse_toml(place.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, TomlError):
        return {}
    tool = document.get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    sources, _ = parse_sources(uv.get("sources", {}) if isinstance(uv, dict) else {})
    return {str(canonicalize_name(name)): choices[0].label for name, choices in sources.items() if choices}
