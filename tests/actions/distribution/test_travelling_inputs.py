"""Inputs on their way through a store that others may write to, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from venvstacks.digests import sha256_json
from venvstacks.distribution.travelling_inputs import ReceivedInputs
from venvstacks.errors import BuildError
from venvstacks.sharing.action_result import ActionResult, Blob
from venvstacks.sharing.careful_store import CarefulStore
from venvstacks.sharing.folder_results import FolderResults


class Harmful:
    """A project whose unpickling would be noticed."""

    place = ""

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path(Harmful.place),))


def a_store(folder: Path) -> CarefulStore:
    return CarefulStore(FolderResults(folder / "store"), "store", secret=None, push=True)


def offer(store: CarefulStore, folder: Path, key: str | None = None, **files: bytes) -> str:
    places, blobs = {}, {}
    for name, content in files.items():
        path = ":project" if name == "project" else name.replace("__", "../")
        places[path] = folder / f"{name}.sent"
        places[path].write_bytes(content)
        blobs[path] = Blob(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    key = key or sha256_json({path: blob.sha256 for path, blob in blobs.items()})
    store.offer(ActionResult(key=key, task="inputs", outputs=blobs, seconds=0.0), places)
    return key


def test_who_writes_to_the_store_cannot_exchange_inputs(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415

    Harmful.place = str(tmp_path / "unpickled")
    store = a_store(tmp_path)
    key = offer(store, tmp_path, project=b"the right one")
    assert offer(store, tmp_path, key, project=pickle.dumps(Harmful())) == key
    with pytest.raises(BuildError, match="cannot be fetched"):
        ReceivedInputs(tmp_path / "worker").fetch(key, store, {}, {})
    assert not Path(Harmful.place).exists()


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    with pytest.raises(BuildError, match="inputs of a task cannot be fetched"):
        ReceivedInputs(tmp_path / "worker").fetch("0" * 64, store, {}, {})
    key = offer(store, tmp_path, project=b"content")
    for blob in (tmp_path / "store/cas").iterdir():
        blob.unlink()
    with pytest.raises(BuildError, match=r"project\.pickle of a task cannot be fetched"):
        ReceivedInputs(tmp_path / "worker").fetch(key, store, {}, {})
