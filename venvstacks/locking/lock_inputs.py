"""The inputs of a lock as canonical tables, which serve for fingerprints, for hashes and for naming what changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from packaging.utils import canonicalize_name

from venvstacks.model.sources import Source, parse_sources
from venvstacks.model.specification import UvTable
from venvstacks.model.stack import Layer
from venvstacks.urls import without_logins

# Keys of [tool.uv] that only mean something to a uv project, or that would turn off what a layered lock relies on
# (wheels only, every target resolved for itself, no silent upgrades). uv never sees them here.
_NOT_FOR_LOCKS = frozenset({
    "build-backend", "build-constraint-dependencies", "conflicts", "default-groups", "dependency-groups",
    "dev-dependencies", "environments", "extra-build-dependencies", "extra-build-variables", "managed", "no-binary",
    "no-binary-package", "no-build", "no-build-package", "package", "pip", "reinstall", "reinstall-package",
    "required-environments", "upgrade", "upgrade-package", "workspace",
})  # fmt: skip

# Keys that configure network access, or commands of uv that are not used here; they cannot change what is locked.
_WITHOUT_EFFECT = frozenset({
    "allow-insecure-host", "cache-dir", "cache-keys", "check-url", "compile-bytecode", "concurrent-builds",
    "concurrent-downloads", "concurrent-installs", "http-proxy", "https-proxy", "keyring-provider", "link-mode",
    "native-tls", "no-cache", "no-proxy", "offline", "preview", "preview-features", "publish-url",
    "pypy-install-mirror", "python-downloads", "python-downloads-json-url", "python-install-mirror",
    "python-preference", "required-version", "system-certs", "trusted-publishing",
})  # fmt: skip


def settings_for_uv(uv: UvTable) -> UvTable:
    """The part of `[tool.uv]` that is passed to uv; keys that are not known here are passed on for uv to check."""
    return {key: value for key, value in uv.items() if key not in _NOT_FOR_LOCKS}


def lock_inputs(layer: Layer, uv: UvTable) -> dict[str, object]:
    """The layer's own settings and requirements that its lock is made from, as a table of JSON values.

    Locks of lower layers and local wheels are not in the table, because they are files. Credentials are never in it.
    """
    systems = {target.system for target in layer.platforms}
    settings = settings_for_uv(uv)
    if "sources" in settings:
        settings["sources"] = index_sources(uv)
    table: dict[str, object] = {
        "requirements": [without_logins(text) for text in layer.declared],
        "python": str(layer.python),
        "targets": [target.name for target in layer.platforms],
        "below": [lower.env_name for lower in layer.below],
        "package_indexes": dict(sorted(layer.package_indexes.items())),
        "priority_indexes": list(layer.priority_indexes),
        "uv": {key: _plain(settings[key]) for key in sorted(settings) if key not in _WITHOUT_EFFECT},
    }
    for key, constraints in (("requirements-from", False), ("constraints-from", True)):
        if gathered := {g.origin: list(g.lines) for g in layer.gathered if g.is_constraint is constraints}:
            table[key] = gathered
    if sources := {f"{g.origin}, {s.name}": without_logins(s.place) for g in layer.gathered for s in g.sources}:
        table["sources-from"] = sources
    if hashes := {f"{g.origin}, {name}": sorted(g.hashes[name]) for g in layer.gathered for name in g.hashes}:
        table["hashes-from"] = hashes
    own = [
        {"package": use.package.name, "targets": list(use.targets), **source_table(use.package.source)}
        for use in layer.own
    ]
    optional = {"sources": own, "exclude": list(layer.exclude), "overrides": list(layer.overrides)}
    table |= {key: value for key, value in optional.items() if value}
    if layer.align_versions:
        table["align-versions"] = True
    if "linux" in systems:
        table["glibc"] = layer.glibc
    if "macosx" in systems:
        table["macos"] = layer.macos
    return table


def source_table(source: Source) -> dict[str, str]:
    """A source as locks and pins record it, without credentials."""
    return {key: without_logins(str(value)) for key, value in source.model_dump(exclude_none=True).items()}


def index_sources(uv: UvTable) -> dict[str, Any]:
    """The sources that name an index, which are uv's to read; the wheels of others are built before uv runs."""
    found, _ = parse_sources(uv.get("sources", {}))
    chosen = {name: [source for source in choices if source.index is not None] for name, choices in found.items()}
    return {
        package: uv["sources"][package]
        if len(chosen[name]) == len(found[name])
        else [source.model_dump(exclude_none=True) for source in chosen[name]]
        for package in uv.get("sources", {})
        if chosen.get(name := str(canonicalize_name(package)))
    }


def version_inputs(layer: Layer, module_hashes: Mapping[str, str]) -> dict[str, object]:
    """What gives a versioned layer a new version even if its locked packages stay the same.

    Only versioned layers name modules: a changed launch module of an unversioned one leaves its lock valid. A
    versioned runtime also names its Python, which is part of what is deployed under that version; so does a runtime
    whose specification names a series, since its release is read from here until an upgrade.

    Args:
        layer: The layer.
        module_hashes: Hashes of the contents of launch and support modules, by module name.
    """
    table: dict[str, object] = {"environment": layer.env_name, "versioned": layer.versioned}
    if layer.runtime is None and (layer.versioned or layer.python_series):
        table["python"] = str(layer.python)
    if layer.versioned and layer.launch_module:
        table["launch_module"] = layer.launch_module
        if layer.launches:
            table["launches"] = {launch.name: launch.target for launch in layer.launches}
        table["modules"] = dict(sorted(module_hashes.items()))
    return table


def _plain(value: Any) -> Any:  # noqa: ANN401 - TOML and JSON values are of any type
    """A TOML value as a JSON value, without credentials."""
    if isinstance(value, dict):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return without_logins(value) if isinstance(value, str) else value


def newest_upload(uv: UvTable) -> str | None:
    """`exclude-newer` as it is passed to uv, or None.

    A date means up to its end. uv would use the end of the day in the time zone of the machine, so it is replaced by
    the end of that day in UTC. Time spans ("1 week") stay as they are.
    """
    value = uv.get("exclude-newer")
    if value is None:
        return None
    text = str(_plain(value))
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return text
    return f"{(day + timedelta(days=1)).isoformat()}T00:00:00Z" if day else text
