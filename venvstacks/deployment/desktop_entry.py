"""The text of a desktop entry (freedesktop.org's Desktop Entry Specification 1.5) for an installed application."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

from venvstacks.deployment.launcher_texts import MARKER

_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_QUOTED = re.compile(r'(["`$\\])')


@dataclass(frozen=True)
class DesktopEntry:
    """What a desktop shows of an application.

    Attributes:
        name: In menus.
        comment: One line about it; empty without one.
        icon: Path of an image file in the application's layer; empty without one.
        categories: Of the Desktop Menu Specification.
        terminal: Whether it is started in a terminal.
    """

    name: str
    comment: str = ""
    icon: str = ""
    categories: tuple[str, ...] = ()
    terminal: bool = False

    @classmethod
    def read(cls, data: object) -> DesktopEntry | None:
        """The entry that a layer's description holds; None if it holds none, or no valid one."""
        if not isinstance(data, Mapping):
            return None
        name, comment, icon = (data.get(key) or "" for key in ("name", "comment", "icon"))
        listed = data.get("categories") or ()
        texts = (name, comment, icon, *(listed if isinstance(listed, (list, tuple)) else (None,)))
        if not name or not all(isinstance(text, str) for text in texts):
            return None
        return cls(name, comment, icon, tuple(listed), data.get("terminal") is True)

    def text(self, root: PurePath, launcher: PurePath, layer: PurePath) -> str:
        """The file.

        Args:
            root: The deployment's folder.
            launcher: What starts the application, absolute.
            layer: The application's folder, by the link to the current generation.
        """
        lines = [f"# {MARKER} {root}", "[Desktop Entry]", "Type=Application", f"Name={_escaped(self.name)}"]
        if self.comment:
            lines.append(f"Comment={_escaped(self.comment)}")
        lines.append(f"Exec={_escaped(_argument(str(launcher)))}")
        if self.icon:
            lines.append(f"Icon={_escaped(str(layer / self.icon))}")
        lines.append(f"Terminal={'true' if self.terminal else 'false'}")
        if self.categories:
            lines.append("Categories=" + "".join(_escaped(one).replace(";", "\\;") + ";" for one in self.categories))
        return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    """A value of type string."""
    text = "".join(_ESCAPES.get(letter, letter) for letter in value)
    return f"\\s{text[1:]}" if text.startswith(" ") else text


def _argument(path: str) -> str:
    """An argument of `Exec`, whose percent signs are field codes."""
    return '"' + _QUOTED.sub(r"\\\1", path).replace("%", "%%") + '"'
