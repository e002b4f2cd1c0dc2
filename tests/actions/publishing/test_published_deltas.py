"""Deltas from older publications: which are written, kept, brought along and left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.delta_publications import WithDeltas, bulky, chain, publish_with_deltas, stack
from tests.support.published_layers import framework, runtime
from venvstacks.actions.publishing import published_deltas
from venvstacks.digests import sha256_file
from venvstacks.errors import DeployError, PublishError
from venvstacks.records.earlier_publications import named_files


def files_of(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.delta")}


def ways(found: WithDeltas, versions: list[WithDeltas], name: str = "framework-pond") -> list[tuple[int, int]]:
    """From which version to which the deltas of a layer lead."""
    listed = [one.entries[name].product.file_manifest for one in (*versions, found)]
    numbers = {one.sha256: number for number, one in enumerate(listed) if one}
    return [(numbers[delta.from_files], numbers[delta.to_files]) for delta in found.deltas(name)]


def test_one_delta_for_each_changed_layer_and_older_version(tmp_path: Path) -> None:
    first = publish_with_deltas(tmp_path / "1", stack("one"), ())
    second = publish_with_deltas(tmp_path / "2", stack("two"), ())
    third = publish_with_deltas(tmp_path / "3", stack("three"), (tmp_path / "1", tmp_path / "2"))
    assert third.deltas("py") == ()
    assert ways(third, [first, second]) == [(0, 2), (1, 2)]
    for delta in third.deltas("framework-pond"):
        place = tmp_path / "3" / delta.name
        assert (place.stat().st_size, sha256_file(place)) == (delta.size, delta.sha256)
        assert delta.size < 5000 < (third.entries["framework-pond"].archive_size or 0)
        assert delta.name.startswith(f"framework-pond-{delta.sha256[:12]}.")
    assert files_of(tmp_path / "3") <= named_files(tmp_path / "3/__venvstacks__/venvstacks.json")
    said = [note for note in third.notes if re.match(r"framework-pond: a delta of \d\.\d kB instead of 0\.1 MB", note)]
    assert [Path(note.partition(" from ")[2]).name for note in said] == ["1", "2"]


def test_deltas_are_reproducible(tmp_path: Path) -> None:
    publish_with_deltas(tmp_path / "1", stack("one"), ())
    made = [publish_with_deltas(tmp_path / name, stack("two"), [tmp_path / "1"]) for name in ("2", "again")]
    assert made[0].deltas("framework-pond") == made[1].deltas("framework-pond")
    assert files_of(tmp_path / "2") == files_of(tmp_path / "again")


def test_known_deltas_are_kept_unless_their_file_is_gone(tmp_path: Path) -> None:
    publish_with_deltas(tmp_path / "1", stack("one"), ())
    second = publish_with_deltas(tmp_path / "2", stack("two"), [tmp_path / "1"])
    known = second.deltas("framework-pond")
    (place,) = [tmp_path / "2" / delta.name for delta in known]
    before = place.stat().st_ino
    again = publish_with_deltas(tmp_path / "2", stack("two"), [tmp_path / "1"], known)
    assert again.deltas("framework-pond") == known
    assert len(again.notes) == 1, "that of the application, which was not known"
    assert place.stat().st_ino == before
    place.unlink()
    assert publish_with_deltas(tmp_path / "2", stack("two"), [tmp_path / "1"], known).deltas("framework-pond") == known
    assert place.is_file()


def test_chains_are_brought_along_for_so_many_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = chain(tmp_path, ["one", "two", "three"])
    versions = [publish_with_deltas(tmp_path / text, stack(text), ()) for text in ("one", "two", "three")]
    found = publish_with_deltas(tmp_path / "all", stack("four"), places[-1:])
    assert sorted(ways(found, versions)) == [(0, 1), (1, 2), (2, 3)]
    assert files_of(tmp_path / "all") == {delta.name for name in found.entries for delta in found.deltas(name)}
    monkeypatch.setattr(published_deltas, "KEPT_VERSIONS", 2)
    found = publish_with_deltas(tmp_path / "two of them", stack("four"), places[-1:])
    assert sorted(ways(found, versions)) == [(1, 2), (2, 3)]


def test_what_is_not_worth_it_is_left_out(tmp_path: Path) -> None:
    publish_with_deltas(tmp_path / "1", [runtime(), bulky(framework("pond"), "one")], ())
    other = [runtime(), bulky(framework("pond"), "two", size=90_000)]
    found = publish_with_deltas(tmp_path / "2", other, [tmp_path / "1"])
    assert found.deltas("framework-pond") == ()
    assert files_of(tmp_path / "2") == set()
    assert any("framework-pond: no delta from" in note for note in found.notes)
    assert not list((tmp_path / "staging").iterdir())


def test_layers_that_an_older_publication_lacks(tmp_path: Path) -> None:
    publish_with_deltas(tmp_path / "1", [runtime()], ())
    found = publish_with_deltas(tmp_path / "2", stack("two"), [tmp_path / "1"])
    assert found.notes == ()
    assert files_of(tmp_path / "2") == set()


@pytest.mark.parametrize("how", ["missing archive", "other archive", "other list"])
def test_damaged_older_publications(tmp_path: Path, how: str) -> None:
    first = publish_with_deltas(tmp_path / "1", stack("one"), ()).entries["framework-pond"]
    assert first.product.file_manifest
    name = first.product.file_manifest.name if how == "other list" else first.archive_name
    place = tmp_path / "1" / str(name)
    place.write_bytes(bytes(place.stat().st_size)) if how.startswith("other") else place.unlink()
    with pytest.raises((DeployError, PublishError), match=r"is missing|is not the file that the manifest lists"):
        publish_with_deltas(tmp_path / "2", stack("two"), [tmp_path / "1"])
    assert files_of(tmp_path / "2") == set()
