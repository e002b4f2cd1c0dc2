"""URLs as connections and requests need them."""

from __future__ import annotations

import pytest

from venvstacks.tools.web_addresses import Address, address_of


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a", Address("http", "a", 80, "/")),
        ("HTTPS://A.example:8443/x%20y/ü?q=ä b&c=%2F#part",
         Address("https", "a.example", 8443, "/x%20y/%C3%BC?q=%C3%A4%20b&c=%2F")),
        ("http://[::1]:81/a+b@1.zip", Address("http", "::1", 81, "/a+b@1.zip")),
        ("http://me:a%2Fb@bücher.example/", Address("http", "xn--bcher-kva.example", 80, "/", ("me", "a/b"))),
        ("http://me@a/?", Address("http", "a", 80, "/", ("me", ""))),
    ],
)  # fmt: skip
def test_urls_have_parts(url: str, address: Address) -> None:
    assert address_of(url) == address


def test_authorities_leave_out_usual_ports() -> None:
    assert [address_of(url).authority for url in ("http://a:80", "https://a:80", "http://[::1]")] == [
        "a",
        "a:80",
        "[::1]",
    ]


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a/", "file:///etc/passwd", "http://", "http://[::1", "http://a:x/", "http://a..b\u00fc/"]
)
def test_what_is_no_url_of_a_web_server(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        address_of(url)
