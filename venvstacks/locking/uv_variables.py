"""Environment variables of uv that affect a resolution: each is either honoured or refused by name, never ignored.

No other variables reach uv: a lock depends on the specification and on the indexes' content, not on the machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from venvstacks.errors import LockError
from venvstacks.model.specification import UvTable

_DEFAULT = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
"""Variables that set the default index, which uv queries last; the second is uv's older name for the first."""

_HINTS: Mapping[str, str] = {
    "UV_INDEX": "declare these indexes with [[tool.uv.index]]",
    "UV_EXTRA_INDEX_URL": "declare these indexes with [[tool.uv.index]]",
    "UV_FIND_LINKS": "use --local-wheels, or find-links in [tool.uv]",
    "UV_INDEX_STRATEGY": "write index-strategy in [tool.uv]",
    "UV_NO_INDEX": "use --no-index, or no-index in [tool.uv]",
}


def apply_variables(uv: UvTable, variables: Mapping[str, str]) -> UvTable:
    """The settings of uv, changed by environment variables.

    `UV_EXCLUDE_NEWER` overrides `exclude-newer`. `UV_DEFAULT_INDEX` replaces uv's built-in default index if the
    specification declares no default index, so that sites that have only mirrors can use specifications of others.

    Args:
        uv: `[tool.uv]` as written.
        variables: Environment variables.
    """
    settings = dict(uv)
    if newest := variables.get("UV_EXCLUDE_NEWER"):
        settings["exclude-newer"] = newest
    named = next((variables[name] for name in _DEFAULT if variables.get(name)), None)
    if named and not _declares_default(uv):
        settings["index"] = [*uv.get("index", ()), {**_read_index(named), "default": True}]
    return settings


def check_variables(uv: UvTable, variables: Mapping[str, str]) -> None:
    """Check that no variable is set that a resolution would have to ignore.

    Args:
        uv: `[tool.uv]` as written.
        variables: Environment variables.

    Raises:
        LockError: A variable is set that would be ignored; the message names it.
    """
    refused = [f"{name} is set: {what}" for name, what in _HINTS.items() if variables.get(name)]
    if _declares_default(uv):
        urls = {entry["url"].rstrip("/") for entry in uv.get("index", ()) if entry.get("default")}
        refused += [
            f"{name} is set, but the specification declares a default index: unset the one or remove the other"
            for name in _DEFAULT
            if variables.get(name) and _read_index(variables[name])["url"].rstrip("/") not in urls
        ]
    if refused:
        raise LockError(
            "environment variables ask for indexes in a way that locks do not follow",
            details=tuple(refused),
            hint="a lock must come out the same on every machine, so its indexes are declared in the specification",
        )


def _declares_default(uv: UvTable) -> bool:
    return any(entry.get("default") for entry in uv.get("index", ()))


def _read_index(text: str) -> dict[str, str]:
    """`URL` or `name=URL`, as uv reads these variables."""
    named = re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)", text)
    return {"name": named[1], "url": named[2]} if named else {"url": text}
