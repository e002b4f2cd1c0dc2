from __future__ import annotations

import pytest

from tests.support.specifications import runtime, stack_of, the_fault_of
from venvstacks.model.desktop_table import DesktopTable


def table(*lines: str) -> str:
    application = '[[applications]]\nname = "desk"\nruntime = "py"\nrequirements = []\nlaunch = "desk"\n'
    return "\n".join([f"{runtime()}{application}[applications.desktop]", *lines, ""])


def test_what_an_application_says() -> None:
    layer = stack_of(
        table('name = "Dësk"', 'icon = "./desk/desk.svg"', 'categories = ["Office", "X-Frogs"]')
    ).by_env_name["app-desk"]
    assert layer.desktop == DesktopTable(name="Dësk", icon="desk/desk.svg", categories=("Office", "X-Frogs"))
    assert layer.desktop.data("lib", {"lib/desk/desk.svg"}) == {
        "name": "Dësk",
        "icon": "lib/desk/desk.svg",
        "categories": ["Office", "X-Frogs"],
        "terminal": False,
    }
    with pytest.raises(ValueError, match=r"there is no icon desk/desk\.svg"):
        layer.desktop.data("lib", {"desk/desk.svg"})


WRONG = {
    "icon = 'a.png'": "name",
    "name = ''": "is not a line of text",
    'name = "a\\nb"': "is not a line of text",
    "name = 'a'\nicon = '/a.png'": "is no icon",
    "name = 'a'\nicon = '../a.png'": "is no icon",
    "name = 'a'\nicon = 'C:a.png'": "is no icon",
    "name = 'a'\nicon = 'themed-icon'": "is no icon",
    "name = 'a'\ncategories = ['a;b']": "is no category",
    "name = 'a'\ncategories = ['A', 'A']": "'A' is named twice",
    "name = 'a'\nversion = '1'": "version",
}


@pytest.mark.parametrize(("lines", "message"), WRONG.items())
def test_what_is_wrong(lines: str, message: str) -> None:
    assert message in str(the_fault_of(table(lines)))


def test_frameworks_are_not_shown_by_desktops() -> None:
    framework = '[[frameworks]]\nname = "pond"\nruntime = "py"\nrequirements = []\n'
    assert "desktop" in str(the_fault_of(f'{runtime()}{framework}[frameworks.desktop]\nname = "Pond"\n'))
