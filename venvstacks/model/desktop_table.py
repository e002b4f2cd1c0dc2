"""`[applications.desktop]`: how desktops show an application."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, Field

from venvstacks.model.relative_paths import is_absolute
from venvstacks.model.tables import Listing, RefusedValueError, Table, distinct

_CATEGORY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise RefusedValueError(f"{value!r} is not a line of text", "write a few words, without line breaks")
    return value


def _icon(value: str) -> str:
    path = PurePosixPath(value)
    if is_absolute(value) or "\\" in value or ".." in path.parts or not path.suffix or not value.isprintable():
        raise RefusedValueError(
            f"{value!r} is no icon", "name a file among the application's packages, such as 'desk/icons/desk.svg'"
        )
    return str(path)


def _categories(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not _CATEGORY.fullmatch(value):
            raise RefusedValueError(
                f"{value!r} is no category", "use those of the Desktop Menu Specification, such as 'Science'"
            )
    return values


class DesktopTable(Table):
    """`[applications.desktop]`: what desktop entries and installers show of an application."""

    name: Annotated[str, AfterValidator(_one_line)] = Field(description="Name in menus")
    comment: Annotated[str, AfterValidator(_one_line)] | None = Field(None, description="One line about it")
    icon: Annotated[str, AfterValidator(_icon)] | None = Field(
        None, description="Image file, as a path among the application's own packages (`desk/icons/desk.svg`)"
    )
    categories: Annotated[Listing[str], AfterValidator(_categories), AfterValidator(distinct)] = Field(
        (), description="Categories of the Desktop Menu Specification, such as `Science`"
    )
    terminal: bool = Field(default=False, description="Whether it is started in a terminal")

    def data(self, site_dir: str, own_paths: Container[str]) -> dict[str, object]:
        """The same with the icon's path in the layer; keys without a value are left out.

        Args:
            site_dir: Where the application's packages are in its layer.
            own_paths: The paths of the layer's own files.

        Raises:
            ValueError: The layer has no such icon.
        """
        found: dict[str, object] = {"name": self.name, "terminal": self.terminal}
        if self.comment is not None:
            found["comment"] = self.comment
        if self.categories:
            found["categories"] = list(self.categories)
        if self.icon is not None:
            path = f"{site_dir}/{self.icon}"
            if path not in own_paths:
                raise ValueError(f"there is no icon {self.icon} among its packages")
            found["icon"] = path
        return found
