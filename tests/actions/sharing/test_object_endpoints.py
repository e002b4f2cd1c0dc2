"""Stores in buckets: where their requests go."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import pytest

from tests.support.loopback_server import serving
from tests.support.shared_stores import KEY, careful

pytest.importorskip("obstore")

PLAIN_ENDPOINTS = {
    "az://box/below": (
        "/account/box/below/ac/",
        {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_STORAGE_ACCOUNT_KEY": "a2V5"},
        ("AZURE_STORAGE_ENDPOINT", "/account"),
    ),
    "gs://box/below": (
        "/box/below%2Fac%2F",
        {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}'},
        ("GOOGLE_BASE_URL", ""),
    ),
}


@pytest.mark.parametrize("url", PLAIN_ENDPOINTS)
def test_an_endpoint_without_encryption_is_asked_where_a_variable_names_it(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As emulators of the clouds need it."""
    place, credentials, (variable, path) = PLAIN_ENDPOINTS[url]
    asked: list[str] = []

    def absent(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_error(404)

    with serving(absent) as server:
        variables = {**credentials, variable: server + path}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        store = careful(url, environment=variables)
        assert store.record(KEY) is None
    assert (asked, store.trouble) == ([place + KEY], [])
