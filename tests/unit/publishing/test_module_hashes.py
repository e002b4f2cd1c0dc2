"""Module hashes of published metadata against what venvstacks 0.7.0 published for the same files."""

from __future__ import annotations

from tests.support.locked_layers import framework, runtime
from venvstacks.actions.publishing.module_hashes import module_hashes
from venvstacks.digests import TreeEntry, sha256_bytes
from venvstacks.model.source_trees import SourceTree

FILES = {
    "hop/__init__.py": b"",
    "hop/__main__.py": b"print(1)\n",
    "hop/data/words.txt": b"frog\n",
    "hop/a/b/deep.py": b"x = 1\n",
    "hop/z.py": b"z = 1\n",
    "legs.py": b"LEGS = 4\n",
}
SITE = "lib/python3.11/site-packages"
APP = framework(
    "hop", [], runtime("py"), kind="application",
    launch=SourceTree("launch/hop", is_package=True, files=("__init__.py",)),
    support=(SourceTree("legs.py", is_package=False, files=("",)),),
)  # fmt: skip


def test_files_and_folders_have_the_hashes_of_the_original() -> None:
    entries = [TreeEntry(f"{SITE}/{path}", len(data), False, sha256_bytes(data)) for path, data in FILES.items()]  # noqa: FBT003
    entries.append(TreeEntry(f"{SITE}/hop/__pycache__/z.cpython-311.pyc", 1, False, "0" * 64))  # noqa: FBT003
    assert module_hashes(APP, entries, SITE) == {
        "hop": "sha256/5f39ca624e4d56bc3b84d160863d23ffe96e95a7c81d80c02c2cf8e488603a0a",
        "legs": "sha256:ea68b500570f0a99a22ee48872ed49793f6939780fb59286939582c63c292e56",
    }


def test_layers_without_modules_have_none() -> None:
    assert module_hashes(runtime("py"), [], SITE) == {}
