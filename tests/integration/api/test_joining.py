"""Publications of several platforms made one: everything or nothing, and never another file under a known name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.published_layers import PLATFORM, Published, application, publish, runtime
from venvstacks.api import deployments as deployment
from venvstacks.api.joining import Joined, join
from venvstacks.errors import PublishError, UsageError

pytestmark = pytest.mark.skipif(PLATFORM is None or PLATFORM.is_windows, reason="handmade layers hold shell scripts")


def layers(platform: str, *, text: str = "1", **changes: Any) -> tuple[Published, ...]:
    found = []
    for layer in (runtime(text=text), application("frog", text=text)):
        facts = {"target_platform": platform, **changes}
        found.append(Published(**{**vars(layer), "target": f"{layer.name}-{platform}", "changes": facts}))
    return tuple(found)


def part(folder: Path, platform: str, release: str = "2.0", **more: Any) -> Path:
    publish(folder, layers(platform, **more), tag=platform, release=release)
    metadata = folder / f"__venvstacks__/env_metadata/py-{platform}.json"
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text("{}", "utf-8")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_platforms_are_put_together(tmp_path: Path) -> None:
    parts = [part(tmp_path / name, name) for name in ("linux_x86_64", "win_amd64")]
    joined = join(tmp_path / "out", parts)
    assert joined == Joined(
        ("linux_x86_64", "win_amd64"), ("venvstacks-linux_x86_64.json", "venvstacks-win_amd64.json"), 8, joined.copied
    )
    wanted = {name for each in parts for name in names(each) if not name.startswith(".trees")}
    assert names(tmp_path / "out") == wanted
    again = join(tmp_path / "out", parts)
    assert again.copied == 0
    assert names(tmp_path / "out") == wanted


def test_the_result_is_deployed(tmp_path: Path) -> None:
    assert PLATFORM is not None
    publish(tmp_path / "a", (runtime(), application("frog")), tag=PLATFORM.name)
    join(tmp_path / "out", [tmp_path / "a"])
    done = deployment.deploy(str(tmp_path / "out"), tmp_path / "d")
    assert done.generation.applications.keys() == {"frog"}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"platform": "win_amd64", "requirements_hash": "other"}, "different locks of layer 'py'"),
        ({"platform": "win_amd64", "lock_version": 2}, "different locks of layer 'py'"),
        ({"platform": "win_amd64", "release": "2.1"}, "different releases"),
        ({"platform": "linux_x86_64", "text": "2"}, "have different files"),
    ],
)
def test_parts_that_do_not_fit_change_nothing(second: dict[str, Any], message: str, tmp_path: Path) -> None:
    one = part(tmp_path / "one", "linux_x86_64")
    other = part(tmp_path / "other", **second)
    with pytest.raises(PublishError, match=message) as caught:
        join(tmp_path / "out", [one, other])
    assert "same locks" in str(caught.value.hint)
    assert not (tmp_path / "out").exists()


def test_files_that_are_damaged_or_lost(tmp_path: Path) -> None:
    one = part(tmp_path / "one", "linux_x86_64")
    archive = one / "py-linux_x86_64.tar.zst"
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + b"?")
    with pytest.raises(PublishError, match=r"py-linux_x86_64\.tar\.zst is not the file"):
        join(tmp_path / "out", [one])
    archive.unlink()
    with pytest.raises(UsageError, match=r"lacks py-linux_x86_64\.tar\.zst"):
        join(tmp_path / "out", [one])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / archive.name).write_bytes(content)  # it was moved there
    assert join(tmp_path / "out", [one]).files == 4


def test_what_is_no_publication(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no publication"):
        join(tmp_path / "out", [tmp_path])
    folder = part(tmp_path / "one", "linux_x86_64")
    (folder / "__venvstacks__/venvstacks-linux_x86_64.json").write_text("{", "utf-8")
    with pytest.raises(UsageError, match="is not a manifest"):
        join(tmp_path / "out", [folder])
