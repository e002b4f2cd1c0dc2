from __future__ import annotations

from pathlib import Path

import pytest

from venvstacks.errors import UsageError
from venvstacks.tools.uv import CompileCall, InstallRequest, uv_environment
from venvstacks.tools.uv_failures import explain_failure, passed_over


def test_only_transport_and_credentials_reach_uv() -> None:
    given = {
        "UV_INDEX_URL": "x", "UV_INDEX": "x", "UV_DEFAULT_INDEX": "x", "UV_EXCLUDE_NEWER": "x", "PIP_INDEX_URL": "x",
        "UV_INDEX_PRIVATE_USERNAME": "me", "UV_INDEX_PRIVATE_PASSWORD": "secret", "UV_CACHE_DIR": "c",
        "UV_KEYRING_PROVIDER": "subprocess", "PATH": "p", "PYTHONPATH": "x",
    }  # fmt: skip
    assert uv_environment(given) == {
        "UV_INDEX_PRIVATE_USERNAME": "me", "UV_INDEX_PRIVATE_PASSWORD": "secret", "UV_CACHE_DIR": "c",
        "UV_KEYRING_PROVIDER": "subprocess", "PATH": "p", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1",
    }  # fmt: skip


@pytest.mark.parametrize("hosts", ["host", "*", "host:80 *.other", "https://host:443/", "[::1]:80  127.0.0.1", ""])
def test_hosts_that_uv_accepts_reach_it(hosts: str) -> None:
    assert uv_environment({"UV_INSECURE_HOST": hosts})["UV_INSECURE_HOST"] == hosts


@pytest.mark.parametrize(
    "hosts",
    [
        "me:s3cret@host",
        "https://me:s3c/s3cret@h",
        "host:s3cret",
        "://s3cret",
        "host me:s3'cret@host",
        "s3cret@host",
        "a,b",
    ],
)
def test_what_is_no_host_is_refused_here_since_uv_would_repeat_it(hosts: str) -> None:
    with pytest.raises(UsageError, match="UV_INSECURE_HOST") as caught:
        uv_environment({"UV_INSECURE_HOST": hosts})
    assert "s3cret" not in str(caught.value)


def compile_argv(**more: object) -> list[str]:
    call = CompileCall(
        Path("f"), Path("uv.toml"), "pylock.x.toml", "x86_64-manylinux_2_28", "3.11.7", "py", "13.0", **more
    )  # type: ignore[arg-type]
    return [str(part) for part in call.argv(Path("uv"))]


def test_a_resolution_never_builds_and_reads_no_other_configuration() -> None:
    argv = compile_argv()
    assert argv[:4] == ["uv", "pip", "compile", "pyproject.toml"]
    assert "--no-build" in argv
    assert argv[argv.index("--config-file") + 1] == "uv.toml"
    assert argv[argv.index("--python-version") + 1] == "3.11.7"
    assert "--no-index" not in argv


def test_options_appear_where_asked_for() -> None:
    folders = Path("/a").absolute(), Path("/b #1").absolute()
    argv = compile_argv(find_links=folders, use_index=False, excluded=Path("ex.txt"))
    assert argv[-7:-3] == ["--find-links", folders[0].as_uri(), "--find-links", folders[1].as_uri()]
    assert folders[1].as_uri().endswith("/b%20%231")
    assert argv[-3:] == ["--no-index", "--excludes", "ex.txt"]


@pytest.mark.parametrize(
    ("python", "prefix"),
    [("env/bin/python3.11", "env"), ("env/Scripts/python.exe", "env"), ("env/python.exe", "env")],
)
def test_the_prefix_of_an_environment(python: str, prefix: str) -> None:
    request = InstallRequest("x", Path("pylock.x.toml"), Path(python), "x86_64-pc-windows-msvc")
    assert request.prefix == Path(prefix)


def test_offline_installs_say_so() -> None:
    request = InstallRequest("x", Path("l"), Path("env/bin/python"), "p", use_index=False)
    assert "--offline" in request.argv(Path("uv"))
    assert "--no-config" in request.argv(Path("uv"))


@pytest.mark.parametrize(
    ("stderr", "kind", "packages"),
    [
        ("error: No solution found when resolving dependencies\n  cause: Because a and b, no.", "conflict", ()),
        (
            (
                "error: No solution found when resolving dependencies\n  cause: x\n\n"
                "hint: Wheels are required for `uwsgi` because building from source is disabled"
            ),
            "no wheels",
            ("uwsgi",),
        ),
        (
            (
                "error: No solution found when resolving dependencies\n\nhint: Wheels are available for `w` "
                "(v1.0) on the following platform: `win_amd64`\nhint: You require CPython 3.11 (`cp311`), but we only "
                "found wheels for `v` (v1) with the following Python ABI tags: `cp36m`"
            ),
            "no wheels",
            ("w", "v"),
        ),
        (
            "error: No solution found when resolving dependencies\n  cause: there are no versions of x and a, no.",
            "unknown package",
            ("x",),
        ),
        (
            "error: Failed to fetch: https://h/simple/\n  cause: HTTP status server error (502 Bad Gateway)",
            "server error",
            (),
        ),
        ("error: Failed to fetch: https://h/simple/\n  cause: Connection refused", "network", ()),
        (
            (
                "error: No solution found when resolving dependencies\n  cause: a was not found in the cache\n\nhint: "
                "Packages were unavailable because the network was disabled."
            ),
            "network",
            (),
        ),
        ("error: Failed to parse: uv.toml\n  cause: unknown field", "other", ()),
    ],
)
def test_failures_are_distinguished(stderr: str, kind: str, packages: tuple[str, ...]) -> None:
    failure = explain_failure(stderr)
    assert (failure.kind, failure.packages) == (kind, packages)
    assert not any(line.startswith(("error:", "  cause:")) for line in failure.explanation)


def test_what_uv_says_about_its_progress_explains_nothing() -> None:
    stderr = "Using Python 3.11.7 environment at: env\nResolved 2 packages in 1ms\nerror: Failed to parse: uv.toml\n"
    assert explain_failure(stderr).explanation == ("Failed to parse: uv.toml",)


def test_members_that_uv_passes_over_are_read_from_its_log() -> None:
    stderr = "Resolved 1 package in 1ms\nWARN Skipping unsafe file name: ../a b.py\nPrepared 1 package\n"
    assert passed_over(stderr) == ("../a b.py",)
    assert passed_over("warning: Skipping unsafe file name: x\n") == ()


def test_what_uv_says_shows_no_secret() -> None:
    printed = (
        "error: Failed to fetch: `https://me:s3cret@host/simple/a/?token=s3cret`\n  cause: invalid value 'me:s3cret@h'"
    )
    assert explain_failure(printed).explanation == (
        "Failed to fetch: `https://host/simple/a/?...`",
        "invalid value 'h'",
    )
