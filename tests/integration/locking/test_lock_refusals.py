"""What people read when a layer cannot be locked: conflicts, missing wheels, indexes that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.locking.conftest import Bench
from tests.support.handmade_wheels import make_wheel
from tests.support.index_servers import Index, running
from tests.support.locked_layers import framework, request_for, runtime, tools_for
from venvstacks.actions.locking.lock import lock_layer
from venvstacks.errors import LockError, MissingWheelsError
from venvstacks.model.stack import Gathered


def test_a_conflict_shows_the_chain_on_each_side(bench: Bench) -> None:
    bench.wheel("top", requires=["gamma"])
    bench.wheel("strict", requires=["beta>=2"])
    base = runtime("base", ["top"])
    upper = framework("upper", ["strict"], base)
    bench.lock(base)
    with pytest.raises(LockError) as caught:
        bench.lock(upper)
    assert "in layer 'base': top 1.0 -> gamma 1.0 -> beta 1.0" in caught.value.details
    assert "in layer 'framework-upper', were it alone: strict 1.0 -> beta 2.0" in caught.value.details
    assert caught.value.hint == "change the requirements of 'framework-upper', or those of base below it"


def test_a_conflict_that_another_pin_below_would_solve_says_so(bench: Bench) -> None:
    base, upper = runtime("base", ["beta"]), framework("upper", ["strict"], runtime("base", ["beta"]))
    bench.wheel("strict", requires=["beta<2"])
    bench.lock(base)
    with pytest.raises(LockError) as caught:
        bench.lock(upper)
    assert "all requirements could be fulfilled if layer 'base' held beta 1.0 instead of 2.0" in caught.value.details
    assert "require beta==1.0 in 'base'" in (caught.value.hint or "")


def test_a_conflict_within_one_layer_names_no_other(bench: Bench) -> None:
    bench.wheel("strict", requires=["beta>=2"])
    base = runtime("base")
    bench.lock(base)
    with pytest.raises(LockError) as caught:
        bench.lock(framework("upper", ["strict", "gamma"], base))
    assert "together with" not in caught.value.message
    assert caught.value.hint == "change the requirements of 'framework-upper'"


def test_a_conflict_on_some_targets_names_them(bench: Bench) -> None:
    base = runtime("base", ["beta==2.0; sys_platform == 'linux'"])
    bench.lock(base)
    with pytest.raises(LockError, match="for linux_x86_64: no set of packages") as caught:
        bench.lock(framework("upper", ["gamma"], base))
    assert "in layer 'base': beta 2.0" in caught.value.details


def test_a_constraint_from_a_file_is_named_with_the_layer_that_it_contradicts(bench: Bench) -> None:
    base = runtime("base", ["beta"])
    bench.lock(base)
    pins = Gathered("../uv.lock", ("beta==1.0",), is_constraint=True)
    with pytest.raises(LockError) as caught:
        bench.lock(replace(framework("upper", ["alpha"], base), gathered=(pins,)))
    assert "'beta==1.0' in ../uv.lock excludes 2.0, which layer 'base' holds" in caught.value.details


def test_other_versions_with_wheels_are_named(bench: Bench) -> None:
    bench.wheel("wide")
    bench.wheel("wide", "2.0", tag="cp311-cp311-win_amd64")
    with pytest.raises(MissingWheelsError) as caught:
        bench.lock(runtime("base", ["wide>1"]))
    assert caught.value.details[0] == "wide  linux_x86_64, macosx_arm64  (version 1.0 has wheels)"
    assert "allow the versions that have wheels" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("targets", "tag", "cure", "changes"),
    [
        (("linux_x86_64",), "manylinux_2_34_x86_64", 'write linux_target = "glibc@2.34"', {"glibc": "2.34"}),
        (("macosx_arm64",), "macosx_14_0_arm64", 'write macosx_target = "14.0"', {"macos": "14.0"}),
        (("macosx_arm64",), "macosx_26_0_arm64", 'write macosx_target = "26.0"', {"macos": "26.0"}),
    ],
)
def test_raising_the_oldest_system_is_named_where_it_helps(
    bench: Bench, targets: tuple[str, ...], tag: str, cure: str, changes: dict[str, str]
) -> None:
    bench.wheel("wide", tag=f"cp311-cp311-{tag}")
    base = runtime("base", ["wide"], targets=targets)
    with pytest.raises(MissingWheelsError) as caught:
        bench.lock(base)
    hint = caught.value.hint or ""
    assert hint.startswith(f"{cure} in the layer")
    assert "versions that have wheels" not in hint
    bench.lock(replace(base, **changes))  # type: ignore[arg-type]


def test_allowing_other_versions_is_named_only_where_it_helps(bench: Bench) -> None:
    bench.wheel("wide")
    bench.wheel("wide", "2.0", tag="cp311-cp311-win_amd64")
    bench.wheel("needy", requires=["wide>1"])
    with pytest.raises(MissingWheelsError) as caught:
        bench.lock(runtime("base", ["wide>1"]))
    assert "allow the versions that have wheels" in (caught.value.hint or "")
    assert 'platforms = ["win_amd64"]' in (caught.value.hint or "")
    bench.lock(runtime("base", ["wide"]))
    bench.lock(runtime("other", ["wide>1"], targets=("win_amd64",)))
    with pytest.raises(MissingWheelsError) as caught:
        bench.lock(runtime("third", ["needy"]))
    assert "allow the versions" not in (caught.value.hint or "")


def test_a_package_that_no_index_has_is_reported_with_a_hint(bench: Bench) -> None:
    with pytest.raises(LockError, match="cannot be found") as caught:
        bench.lock(runtime("base", ["nobodys"]))
    assert any("nobodys was not found" in line for line in caught.value.details)
    assert "--local-wheels" in (caught.value.hint or "")


Spoil = Callable[[str, int, str, bytes], tuple[int, str, bytes]]


def _answers(status: int, kind: str = "text/plain", body: bytes = b"oops") -> Spoil:
    return lambda *_: (status, kind, body)


def _cut_wheels(path: str, status: int, kind: str, body: bytes) -> tuple[int, str, bytes]:
    return status, kind, body[:100] if path.endswith(".whl") else body


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_answers(500), "answers with an error"),
        (_answers(429), "answers with an error"),
        (_answers(403), "valid credentials"),
        (_answers(404), "cannot be found"),
        (_answers(200, "application/vnd.pypi.simple.v1+json", b"{{{"), "cannot be used"),
        (_answers(200, "application/octet-stream", b"\0\1\2"), "cannot be used"),
        (_answers(200, "text/html", b"<!DOCTYPE html><title>Welcome!</title>"), "cannot be found"),
        (_cut_wheels, "cannot be used"),
    ],
    ids=["500", "429", "403", "404", "bad JSON", "no index", "some page", "half a wheel"],
)
def test_an_index_that_misbehaves_is_reported_and_changes_no_file(tmp_path: Path, spoil: Spoil, why: str) -> None:
    base = tmp_path / "spec"
    lock_layer(request_for(runtime("base"), base), tools_for(tmp_path))
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}
    make_wheel(tmp_path / "served", "delta", "1.0")
    with running(Index(tmp_path / "served", spoil=spoil)) as index:
        uv = {"index": [{"name": "corp", "url": index.url, "default": True}]}
        with pytest.raises(LockError, match=why) as caught:
            lock_layer(request_for(runtime("base", ["delta"]), base, uv=uv), tools_for(tmp_path))
    assert caught.value.hint
    assert {path: path.read_bytes() for path in base.rglob("*") if path.is_file()} == before


def test_an_index_that_hangs_is_given_up(tmp_path: Path) -> None:
    make_wheel(tmp_path / "served", "delta", "1.0")
    with running(Index(tmp_path / "served", delay=3.0)) as index:
        uv = {"index": [{"name": "corp", "url": index.url, "default": True}]}
        with pytest.raises(LockError, match="cannot be reached") as caught:
            lock_layer(
                request_for(runtime("base", ["delta"]), tmp_path, uv=uv), tools_for(tmp_path, UV_HTTP_TIMEOUT="1")
            )
    assert any("timed out" in line for line in caught.value.details)
