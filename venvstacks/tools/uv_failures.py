"""Kinds of failures of uv, recognised by its messages (as of uv 0.13), so that each kind gets its own hint."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from venvstacks.urls import without_secrets

FailureKind = Literal[
    "no wheels", "conflict", "unknown package", "credentials", "server error", "bad answer", "network", "other"
]


@dataclass(frozen=True)
class UvFailure:
    """Why a resolution or an installation failed.

    Attributes:
        kind: The kind of failure.
        packages: The packages that uv names: for "no wheels" those without, for "unknown package" those not found,
            for "bad answer" those whose wheels cannot be read.
        explanation: The lines that uv printed, without its own prefixes.
    """

    kind: FailureKind
    packages: tuple[str, ...]
    explanation: tuple[str, ...]


_NO_WHEELS = re.compile(r"(?:Wheels are (?:required|available) for|found wheels for) `([^`]+)`")
_UNKNOWN = re.compile(
    r"(?P<name>\S+) was not found in (?:the package registry|the provided package locations)"
    r"|there are no versions of (?P<empty>[\w.-]+) and"
)
_BROKEN_WHEEL = re.compile(r"(?:structure of|Failed to download|metadata (?:for|of)) `([^`=]+)(?:==[^`]*)?`")
_NETWORK = re.compile(
    r"Failed to fetch|error sending request|Could not connect|dns error|Network connectivity is disabled|timed out"
    r"|request failed after",
    re.IGNORECASE,
)
_UNREACHED = re.compile(r"because (?:of network connectivity|the network was disabled)|dns error", re.IGNORECASE)
_SERVER_ERROR = re.compile(r"HTTP status (?:client|server) error")
_REFUSED = re.compile(r"authentication credentials|\b40[13] (?:Unauthorized|Forbidden)")
_BAD_ANSWER = re.compile(
    r"Received some unexpected (?:JSON|HTML)|Unsupported `Content-Type`|Failed to extract archive|Invalid zip"
    r"|invalid package format|hash mismatch|has invalid metadata",
    re.IGNORECASE,
)
_NOT_SHOWN = ("warning:", "No solution found", "Using Python ", "Resolved ")
_PASSED_OVER = re.compile(r"^WARN Skipping unsafe file name: (.+)$", re.MULTILINE)


def passed_over(stderr: str) -> tuple[str, ...]:
    """Members of wheels that uv did not unpack because their paths leave the folder; only its log names them."""
    return tuple(dict.fromkeys(_PASSED_OVER.findall(stderr)))


def explain_failure(stderr: str) -> UvFailure:
    """Find out from uv's output why a resolution or an installation failed."""
    stderr = without_secrets(stderr)
    lines = [re.sub(r"^(error: |  cause: |hint: | {9})", "", line) for line in stderr.splitlines() if line.strip()]
    explanation = tuple(line for line in lines if not line.startswith(_NOT_SHOWN))
    kind = _kind(stderr)
    names = {"no wheels": _NO_WHEELS, "unknown package": _UNKNOWN, "bad answer": _BROKEN_WHEEL}.get(kind)
    named = (next(filter(None, match.groups())) for match in names.finditer(stderr)) if names else ()
    return UvFailure(kind, tuple(dict.fromkeys(named)), explanation)


def _kind(stderr: str) -> FailureKind:
    """The kind of failure. Causes for not finding packages come before what uv concludes from not finding them."""
    kinds: tuple[tuple[FailureKind, re.Pattern[str]], ...] = (
        ("network", _UNREACHED),
        ("credentials", _REFUSED),
        ("server error", _SERVER_ERROR),
        ("bad answer", _BAD_ANSWER),
        ("no wheels", _NO_WHEELS),
        ("unknown package", _UNKNOWN),
        ("conflict", re.compile("No solution found")),
        ("network", _NETWORK),
    )
    return next((kind for kind, pattern in kinds if pattern.search(stderr)), "other")
