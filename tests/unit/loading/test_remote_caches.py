from __future__ import annotations

import pytest

from tests.support.specifications import RUNTIME, stack_of
from venvstacks.errors import UsageError
from venvstacks.loading.options import Options
from venvstacks.loading.remote_cache import RemoteCache, remote_cache

NAMED = '[tool.venvstacks]\nremote-cache = { url = "spec", push = true }\n'


@pytest.mark.parametrize(
    ("text", "options", "environment", "expected"),
    [
        ("", Options(), {}, None),
        (NAMED, Options(), {}, RemoteCache("spec", push=True)),
        (NAMED, Options(), {"VENVSTACKS_REMOTE_CACHE": "other"}, RemoteCache("other", push=True)),
        (NAMED, Options(remote_cache="mine"), {"VENVSTACKS_REMOTE_CACHE": "other"}, RemoteCache("mine", push=True)),
        (NAMED, Options(remote_cache="none"), {}, None),
        (NAMED, Options(), {"VENVSTACKS_REMOTE_CACHE": ""}, None),
        (NAMED, Options(), {"VENVSTACKS_REMOTE_CACHE_PUSH": "0"}, RemoteCache("spec")),
        ("", Options(remote_cache="mine"), {"VENVSTACKS_REMOTE_CACHE_PUSH": "yes"}, RemoteCache("mine", push=True)),
        ("", Options(remote_cache="m", push=False), {"VENVSTACKS_REMOTE_CACHE_PUSH": "1"}, RemoteCache("m")),
        ("", Options(remote_cache="m"), {"VENVSTACKS_REMOTE_CACHE_KEY": "s"}, RemoteCache("m", secret=b"s")),
    ],
)
def test_options_before_the_environment_before_the_specification(
    text: str, options: Options, environment: dict[str, str], expected: RemoteCache | None
) -> None:
    assert remote_cache(stack_of(text + RUNTIME).settings, options, environment) == expected


def test_a_variable_that_makes_no_sense() -> None:
    with pytest.raises(UsageError, match="neither true nor false: 'maybe'"):
        remote_cache(stack_of(RUNTIME).settings, Options(remote_cache="m"), {"VENVSTACKS_REMOTE_CACHE_PUSH": "maybe"})


def test_a_url_that_cannot_be_read() -> None:
    with pytest.raises(UsageError, match="is no URL: Invalid IPv6 URL") as caught:
        remote_cache(stack_of(RUNTIME).settings, Options(remote_cache="https://me:pa55@[::1"), {})
    assert "pa55" not in str(caught.value)


def test_secrets_are_not_shown() -> None:
    assert "pa55" not in repr(RemoteCache("https://me:pa55@host", secret=b"pa55"))
