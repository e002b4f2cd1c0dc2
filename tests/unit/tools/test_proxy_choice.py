from __future__ import annotations

import pytest

from venvstacks.errors import TransferError
from venvstacks.tools.web import Proxies
from venvstacks.tools.web_addresses import address_of

SOME = {"HTTP_PROXY": "p:1", "NO_PROXY": "localhost, .corp.example,10.0.0.1,::1,frog.example:81"}


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://example.com/", None),
        ({"NO_PROXY": "example.com"}, "https://example.com/", None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "https://example.com/", "proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://example.com/", None),
        ({"https_proxy": "proxy:3128", "HTTPS_PROXY": "other:1"}, "https://example.com/", "proxy:3128"),
        ({"ALL_PROXY": "p:1", "https_proxy": "q:1"}, "http://example.com/", "p:1"),
        ({"ALL_PROXY": "p:1", "https_proxy": "q:1"}, "https://example.com/", "q:1"),
        ({"all_proxy": "p:1", "no_proxy": "*"}, "http://example.com/", None),
        (SOME, "http://corp.example/", None),
        (SOME, "http://a.Corp.example/", None),
        (SOME, "http://acorp.example/", "p:1"),
        (SOME, "http://localhost:8080/", None),
        (SOME, "http://a.localhost/", "p:1"),
        (SOME, "http://10.0.0.1/", None),
        (SOME, "http://10.0.0.11/", "p:1"),
        (SOME, "http://[::1]:80/", None),
        (SOME, "http://frog.example:81/", None),
        (SOME, "http://frog.example/", "p:1"),
        (SOME, "https://example.com/", None),
    ],
)
def test_proxies_come_from_the_given_environment(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://of-this-process")
    chosen = Proxies(environment).choose(address_of(url))
    assert (None if chosen is None else chosen.authority) == proxy


@pytest.mark.parametrize("proxy", ["https://p:1", "socks5://p:1", "http://me:s3cret@[", "http://p:x"])
def test_what_is_no_proxy(proxy: str) -> None:
    with pytest.raises(TransferError, match="is no proxy's URL"):
        Proxies({"ALL_PROXY": proxy})
