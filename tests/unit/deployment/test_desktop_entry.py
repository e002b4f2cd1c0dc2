from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from venvstacks.deployment.desktop_entry import DesktopEntry
from venvstacks.deployment.launcher_texts import is_launcher_of

ROOT = PurePosixPath('/my apps/50% 🐸 `$HOME` "x" \\y')
ENTRY = DesktopEntry("Frösche\\n", " Counts them", "lib/frog.svg", ("Science", "Math"), terminal=True)


def test_everything_that_has_a_meaning_is_escaped() -> None:
    text = ENTRY.text(ROOT, ROOT / "frog", ROOT / "current/apps/frog")
    assert is_launcher_of(text, ROOT)
    assert text.split("\n")[1:] == [
        "[Desktop Entry]",
        "Type=Application",
        "Name=Frösche\\\\n",
        "Comment=\\sCounts them",
        'Exec="/my apps/50%% 🐸 \\\\`\\\\$HOME\\\\` \\\\"x\\\\" \\\\\\\\y/frog"',
        'Icon=/my apps/50% 🐸 `$HOME` "x" \\\\y/current/apps/frog/lib/frog.svg',
        "Terminal=true",
        "Categories=Science;Math;",
        "",
    ]


@pytest.mark.parametrize(
    "data",
    [
        None,
        "Frog",
        {},
        {"name": ""},
        {"name": 1},
        {"name": "a", "icon": 1},
        {"name": "a", "categories": "ab"},
        {"name": "a", "categories": [1]},
    ],
)
def test_descriptions_that_are_not_valid_give_no_entry(data: object) -> None:
    assert DesktopEntry.read(data) is None


def test_what_a_layer_says() -> None:
    data = {"name": "a", "categories": ["B"], "terminal": True, "more": 1}
    assert DesktopEntry.read(data) == DesktopEntry("a", categories=("B",), terminal=True)
