from __future__ import annotations

import pytest

from venvstacks.tools.web import proxies


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"NO_PROXY": "example.com"}, {}),
        ({"HTTPS_PROXY": "http://proxy:3128"}, {"https://": "http://proxy:3128"}),
        ({"https_proxy": "proxy:3128"}, {"https://": "http://proxy:3128"}),
        ({"all_proxy": "p:1", "no_proxy": "*"}, {}),
        (
            {"HTTP_PROXY": "p:1", "NO_PROXY": "localhost, .corp.example,10.0.0.1,::1"},
            {
                "http://": "http://p:1",
                "all://localhost": None,
                "all://*corp.example": None,
                "all://10.0.0.1": None,
                "all://[::1]": None,
            },
        ),
    ],
)
def test_proxies_come_from_the_given_environment(
    environment: dict[str, str], expected: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://of-this-process")
    assert proxies(environment) == expected
