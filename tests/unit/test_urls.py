from __future__ import annotations

import pytest

from venvstacks.urls import (
    child,
    has_unclear_login,
    is_open_to_others,
    is_this_machine,
    local_path,
    shown,
    without_logins,
    without_secrets,
)

SECRET = "s3cret"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/path/a@1.tar", "https://host/path/a@1.tar"),
        ("https://me:s3cret@host:8443/a@1.tar", "https://host:8443/a@1.tar"),
        ("https://s3cret@host/a", "https://host/a"),
        ("https://me:s3@cr3t@host/a", "https://host/a"),
        ("https://me:s3cret@[::1]:80/a", "https://[::1]:80/a"),
        ("https://me:x/s3cret@host/a", "https://host/a"),
        ("https://me:s3cret/x@host/a@1", "https://1"),
        ("https://me:s3cret?x@host/a", "https://host/a"),
        ("https://me:x#s3cret@host/a", "https://host/a"),
        ("https://me:s3cret/x", "https:///x"),
        ("https://=s3cret", "https://"),
        ("https://me=s3cret/x", "https:///x"),
        ("https://host/a?sv=1&sig=s3cret", "https://host/a?..."),
        ("https://host/a?sig=s3cret@x", "https://host/a?..."),
        ("https://host/a?#s3cret", "https://host/a?..."),
        ("https://host?s3cret", "https://host?..."),
        ("https://host/a#token=s3cret", "https://host/a"),
        ("https://me:s3cret@[::1/a", "https:///a"),
        ("ftp://me:s3cret@host/a", "ftp://host/a"),
        ("git+ssh://me:s3cret@host/a.git@main", "git+ssh://host/a.git@main"),
        ("/folder/a@b?c#d", "/folder/a@b?c#d"),
        ("file:///folder/a@b", "file:///folder/a@b"),
        ("", ""),
    ],
)
def test_people_see_the_place_and_no_secret(url: str, expected: str) -> None:
    assert shown(url) == expected
    assert SECRET not in shown(url)
    assert shown(shown(url)) == shown(url)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "error: cannot fetch `https://me:s3cret@host/simple/?token=s3cret` (404), see http://other/a",
            "error: cannot fetch `https://host/simple/?...` (404), see http://other/a",
        ),
        (
            "invalid value 'me:s3cret@ho' for '--allow-insecure-host <X>'",
            "invalid value 'ho' for '--allow-insecure-host <X>'",
        ),
        ("1https://me:s3cret@host, https://a/?s3cret", "1https://host, https://a/?..."),
        ("layer app@1 needs cpython@3.11: see cpython@3.11.7", "layer app@1 needs cpython@3.11: see cpython@3.11.7"),
        ("pkg @ https://me:s3cret@host/pkg.whl", "pkg @ https://host/pkg.whl"),
        ("build:app-x@1 and lock:app-y", "build:app-x@1 and lock:app-y"),
        ("plain", "plain"),
    ],
)
def test_secrets_leave_whole_texts(text: str, expected: str) -> None:
    assert without_secrets(text) == expected
    assert SECRET not in without_secrets(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://me:secret@host/a@b me@home", "https://host/a@b me@home"),
        ("https://me:se@cr@et@host", "https://host"),
        ("https://me:se/cret@host/a?b=c#d", "https://host/a?b=c#d"),
        ("file:///folder/a@b", "file:///folder/a@b"),
        ("https://host/a?b=c@d", "https://host/a?b=c@d"),
    ],
)
def test_what_is_fetched_again_loses_its_login_only(text: str, expected: str) -> None:
    assert without_logins(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/a@1", False),
        ("https://me:secret@host:80/a", False),
        ("https://me:se%2Fcret@host/a", False),
        ("https://host/?a=b@c", False),
        ("https://[::1]:80/a", False),
        ("/folder/a@b:c", False),
        ("https://me:se/cret@host/a", True),
        ("https://me:1/cret@host/a", False),  # a host with a port, and a path, for all that anybody can see
        ("https://me:se@cr@host/a", True),
        ("https://me:se@cr/et@host/a", True),
        ("https://me:se?cret@host/a", True),
        ("https://[::1/a", True),
    ],
)
def test_a_login_that_is_not_clear(url: str, *, expected: bool) -> None:
    assert has_unclear_login(url) is expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("https://host", "https://host/m/a%20b@1+x%3F%23.json"),
        ("https://host/f/", "https://host/f/m/a%20b@1+x%3F%23.json"),
        ("https://host/f?sv=1&sig=a%2Fb", "https://host/f/m/a%20b@1+x%3F%23.json?sv=1&sig=a%2Fb"),
        ("https://me:pw@host/f/?q#frag", "https://me:pw@host/f/m/a%20b@1+x%3F%23.json?q"),
    ],
)
def test_files_below_a_folder_keep_its_query(folder: str, expected: str) -> None:
    assert child(folder, "m/a b@1+x?#.json") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/a", True),
        ("HTTP://me:s3cret@host:80/a", True),
        ("http://[2001:db8::1]:80/a", True),
        ("http://localhost.example/a", True),
        ("http://127.0.0.1.example/a", True),
        ("https://host/a", False),
        ("http://localhost:8000/a", False),
        ("http://me@127.0.0.1/a", False),
        ("http://[::1]:80/a", False),
        ("/folder", False),
        ("", False),
    ],
)
def test_what_others_can_change_on_its_way(url: str, expected: bool) -> None:  # noqa: FBT001
    assert is_open_to_others(url) is expected


def test_names_of_this_machine() -> None:
    assert all(map(is_this_machine, ("localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]")))
    assert not any(map(is_this_machine, ("host", "127.0.0.1.example", "0.0.0.0", "", "10.0.0.1")))


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("file:///a/b%20c%23%3F%25", "/a/b c#?%"),
        ("FILE://localhost/a?b#c", "/a?b#c"),
        ("file:///C:/a%20b", "C:/a b"),
        ("/a%20b", "/a%20b"),
        ("https://host/a%20b", "https://host/a%20b"),
        ("file:a", "file:a"),
    ],
)
def test_the_path_of_a_file_url(text: str, path: str) -> None:
    assert local_path(text) == path


def test_a_file_url_of_another_machine() -> None:
    with pytest.raises(ValueError, match="another machine, host"):
        local_path("file://host/a")
