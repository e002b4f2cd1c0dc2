"""Seals on cached things."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from tests.support.abilities import keeps_modes
from tests.support.windows_errors import error_in_use
from venvstacks._injected import compiling
from venvstacks.tools.seals import opened, read_sealed, seal_key, sealed

KEY = b"k" * 32


@pytest.mark.parametrize("content", [b"", b"frog", b"x" * 1000])
def test_only_what_was_sealed_with_the_key_is_opened(content: bytes) -> None:
    data = sealed(KEY, content)
    assert opened(KEY, data) == content
    assert opened(b"another", data) is None
    assert opened(KEY, data + b"!") is None
    assert opened(KEY, content) is None


def test_a_missing_file_is_no_sealed_one(tmp_path: Path) -> None:
    assert read_sealed(KEY, tmp_path / "missing") is None
    (tmp_path / "x").write_bytes(sealed(KEY, b"frog"))
    assert read_sealed(KEY, tmp_path / "x") == b"frog"


def test_the_key_lies_outside_of_the_cache_and_is_private(tmp_path: Path) -> None:
    home, cache = tmp_path / "home", tmp_path / "cache"
    key = seal_key({"HOME": str(home)}, cache)
    (place,) = (path for path in home.rglob("*") if path.is_file())
    assert (place.read_bytes(), len(key)) == (key, 32)
    if keeps_modes():
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert not cache.exists()
    assert seal_key({"HOME": str(home)}, tmp_path / "other") == key
    assert seal_key({"HOME": "relative"}, cache) != key
    assert list(cache.iterdir())


def test_both_sides_mean_the_same_digest() -> None:
    expected = hmac.digest(KEY, b"name\0content", hashlib.sha256)
    assert compiling._seal(KEY, "name", b"content") == expected


@pytest.mark.parametrize(("operation", "code"), [("unlink", 32), ("read_bytes", None)])
def test_a_new_key_is_the_stored_one_though_others_have_its_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str, code: int | None
) -> None:
    """Windows refuses for a moment to remove one name of a file, or to read it, while a thread uses its other name."""
    original = getattr(Path, operation)
    refusals = [error_in_use(code)]

    def refused_once(path: Path) -> object:
        if refusals:
            raise refusals.pop()
        return original(path)

    monkeypatch.setattr(Path, operation, refused_once)
    key = seal_key({"HOME": str(tmp_path)}, tmp_path / "cache")
    assert refusals == []
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [key]
