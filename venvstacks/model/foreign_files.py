"""Files of other projects that layers take requirements from: their texts, what they give, what cannot be used."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement

from venvstacks.model.stack import Gathered
from venvstacks.model.wheel_addresses import address_fault, with_name
from venvstacks.urls import without_secrets

Texts = Mapping[str, str | ValueError | None]
"""Path relative to the specification's folder to the file's text; None where there is no such file, and an error where
its bytes are no text."""

MOST_INCLUDED = 100
"""How deep files, extras and groups may include each other."""


class UnusableFileError(ValueError):
    """A file that requirements cannot be taken from; the message says why."""


@dataclass(frozen=True)
class FileContents:
    """The requirements that a reference to a file gives.

    Attributes:
        gathered: The requirements, and the constraints that the file brings with it.
        files: All files that were read.
        overrides: Requirements that replace what metadata says about their packages (PEP 508).
        environments: The markers of the project's `environments` and `required-environments`, by key.
    """

    gathered: tuple[Gathered, ...]
    files: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    environments: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def text_of(path: str, texts: Texts) -> str:
    """The text of a file.

    Raises:
        UnusableFileError: The file is missing, or its bytes are no text.
    """
    text = texts.get(path)
    if text is None:
        raise UnusableFileError(f"there is no file '{path}'")
    if isinstance(text, ValueError):
        raise UnusableFileError(f"'{path}' cannot be read: {text}")
    return text


def next_to(path: str, other: str) -> str:
    """The path that `other` means in the file at `path`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), other))


def check_requirement(text: str, place: str) -> Requirement:
    """A requirement that layers can have.

    Raises:
        UnusableFileError: It is not valid, or names a URL.
    """
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        advice = f"; {named}" if (named := with_name(text)) else ""
        raise UnusableFileError(
            f"{place}: '{without_secrets(text)}' is not a requirement (PEP 508): {_first_line(error)}{advice}"
        ) from None
    if requirement.url and (address_fault(requirement) or not _is_absolute(requirement.url)):
        shown = without_secrets(text)
        raise UnusableFileError(
            f"{place}: '{shown}' names a URL that is no wheel; build its wheel and use --local-wheels"
        )
    return requirement


def _is_absolute(url: str) -> bool:
    return "://" in url


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
