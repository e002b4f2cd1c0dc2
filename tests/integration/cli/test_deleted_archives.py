"""An archive that was deleted from a publication: what `deploy` and `publish` say, and that their hints help."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.sample_stack import Pond

ARCHIVE = "app-plain.tar.zst"


def test_publish_says_what_is_gone_and_how_to_write_it_again(published_pond: Pond, tmp_path: Path) -> None:
    base = tmp_path / "pond"
    shutil.copytree(published_pond.base, base, symlinks=True)
    pond = Pond(base, published_pond.cache, published_pond.uv_cache)
    assert "not there" not in pond.command("publish").stderr
    archive = base / "_artifacts" / ARCHIVE
    content = archive.read_bytes()
    archive.unlink()

    refused = pond.command("deploy", "_artifacts", "--app", "plain", "--to", str(tmp_path / "d"))
    assert refused.returncode == 6
    assert f"{ARCHIVE} is missing, although the manifest lists it\nhint: " in refused.stderr
    assert "`venvstacks publish --force`" in refused.stderr

    said = pond.command("publish").stderr
    note = next(line for line in said.splitlines() if line.startswith("note:"))
    assert note.startswith(f"note: {ARCHIVE} is not there any more; if that is a mistake, run `venvstacks ")
    command = note.partition("`venvstacks ")[2].rstrip("`").split()
    assert command == ["publish", "--force", "--include", "app-plain"]
    assert "note:" not in pond.command(*command).stderr
    assert archive.read_bytes() == content

    for place in archive.parent.glob("*.tar.zst"):
        place.unlink()
    assert "note: 5 archives are not there any more" in pond.command("publish").stderr
