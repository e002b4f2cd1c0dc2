from __future__ import annotations

import pytest

from venvstacks.model.foreign_locks import read_foreign_lock


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[package]]\nversion = "1"\nsource = { registry = "x" }', "a package has no name"),
        ('[[package]]\nname = 1\nversion = "1"', "'name' of a package is no string"),
        ('[[package]]\nname = "a"\nversion = 1', "'version' of a package is no string"),
        ('[[package]]\nname = "a"\nversion = "1"\nsource = "x"', "'source' of a package is no table"),
        (
            '[[package]]\nname = "a"\nversion = "1"\nresolution-markers = 1',
            "'resolution-markers' of a package is no array",
        ),
    ],
)
def test_locks_of_another_shape_are_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_foreign_lock("uv.lock", text)
    with pytest.raises(ValueError, match="is not a lock: "):
        read_foreign_lock("pylock.toml", text.replace("[[package]]", "[[packages]]"))
