"""References to files that hold requirements: the tables of `requirements-from` and `constraints-from`."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, model_validator

from venvstacks.model.relative_paths import is_absolute
from venvstacks.model.tables import Listing, RefusedValueError, Table

LOCK_NAMES = re.compile(r"(uv|pdm|poetry)\.lock|pylock(\.[^.]+)?\.toml")
"""File names of the locks that can be read."""


def _file_path(value: str) -> str:
    if is_absolute(value) or "\\" in value or not PurePosixPath(value).name:
        raise ValueError(f"'{value}' is not a path relative to the specification, written with forward slashes")
    return posixpath.normpath(value)


def _lock_path(value: str) -> str:
    path = _file_path(value)
    if not LOCK_NAMES.fullmatch(posixpath.basename(path)):
        raise ValueError(
            f"'{value}' is none of uv.lock, pdm.lock, poetry.lock, pylock.toml and pylock.<name>.toml (PEP 751)"
        )
    return path


FilePath = Annotated[str, AfterValidator(_file_path)]


class RequirementsFrom(Table):
    """A file that holds requirements: a project's, with some of its extras and groups, or a requirements file.

    Its path alone, as a string, stands for all of it; the file's name says of which kind it is.
    """

    pyproject: FilePath | None = Field(None, description="A pyproject.toml, relative to the specification")
    requirements: FilePath | None = Field(None, description="A requirements file, relative to the specification")
    dependencies: bool = Field(default=True, description="Whether the project's own dependencies are taken")
    extras: Listing[str] = Field((), description="Extras of the project that are taken as well")
    groups: Listing[str] = Field((), description="Dependency groups (PEP 735) that are taken as well")

    @property
    def path(self) -> str:
        """The file."""
        return next(value for value in self._paths if value)

    @property
    def _paths(self) -> tuple[str | None, ...]:
        return self.pyproject, self.requirements

    @property
    def label(self) -> str:
        """What messages and lock metadata call it."""
        chosen = [*([] if self.dependencies else ["no dependencies"]), *(f"extra {name}" for name in self.extras)]
        chosen += [f"group {name}" for name in self.groups]
        return f"{self.path} ({', '.join(chosen)})" if chosen else self.path

    @model_validator(mode="before")
    @classmethod
    def _by_its_name(cls, value: Any) -> Any:  # noqa: ANN401 - not validated yet
        if not isinstance(value, str):
            return value
        name = posixpath.basename(value)
        if name == "pyproject.toml":
            return {"pyproject": value}
        return {"lock" if "lock" in cls.model_fields and LOCK_NAMES.fullmatch(name) else "requirements": value}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:  # noqa: ANN401
        """A table, or the path alone."""
        return {"anyOf": [handler(core_schema), {"type": "string", "description": "The path of a file, taken whole"}]}

    @model_validator(mode="after")
    def _one_file(self) -> RequirementsFrom:
        keys = [name for name in ("pyproject", "requirements", "lock") if name in type(self).model_fields]
        if sum(value is not None for value in self._paths) != 1:
            raise RefusedValueError(f"exactly one of {', '.join(keys)} must be given", "write one table for each file")
        if self.pyproject is None and (self.extras or self.groups or not self.dependencies):
            message = "only a pyproject has dependencies, extras and groups to choose from"
            raise RefusedValueError(message, "a requirements file or a lock is taken as a whole")
        return self


class ConstraintsFrom(RequirementsFrom):
    """A file whose versions limit a layer's: one that holds requirements, or another tool's lock."""

    lock: Annotated[str, AfterValidator(_lock_path)] | None = Field(
        None, description="A uv.lock, pdm.lock, poetry.lock or pylock.toml, relative to the specification"
    )

    @property
    def _paths(self) -> tuple[str | None, ...]:
        return self.pyproject, self.requirements, self.lock
