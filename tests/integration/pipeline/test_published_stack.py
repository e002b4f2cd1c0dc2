"""What a published stack holds, and that it runs where nothing of the building machine is left."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import posixpath
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.support.sample_stack import BUILT, Pond, listing, ran, unpack
from venvstacks.api import Report, Request, Selection
from venvstacks.cli.run_report import report_of_run

Members = dict[str, tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module", params=BUILT)
def members(published_pond: Pond, request: pytest.FixtureRequest) -> Members:
    """The members of each archive in turn."""
    archive = published_pond.base / "_artifacts" / f"{request.param}.tar.zst"
    return {member.name: (member, content) for member, content in listing(archive)}


def test_one_archive_for_each_layer_of_this_machine(published_pond: Pond) -> None:
    names = {path.name for path in (published_pond.base / "_artifacts").glob("*.tar.zst")}
    assert names == {f"{name}.tar.zst" for name in BUILT}


def test_one_top_folder_in_sorted_order(members: Members) -> None:
    (top,) = {name.split("/")[0] for name in members}
    assert top in BUILT
    assert list(members) == sorted(members)


def test_nothing_that_belongs_to_the_building_machine_is_shipped(members: Members, published_pond: Pond) -> None:
    forbidden = [
        str(published_pond.base).encode(),
        str(published_pond.cache).encode(),
        b"/staging/",
        b"direct_url.json",
    ]
    for name, (member, content) in members.items():
        assert not any(word in content or word in member.linkname.encode() for word in forbidden), name


def test_no_bytecode_no_foreign_scripts_no_local_configuration(members: Members) -> None:
    for name in members:
        _, _, inside = name.partition("/")
        assert "__pycache__" not in name
        assert inside != "pyvenv.cfg"
        assert not inside.startswith(".")
        assert posixpath.dirname(inside) != "bin" or re.match("python|pond$|lily$", posixpath.basename(inside))


def test_members_carry_the_time_of_the_lock_and_no_owner(members: Members) -> None:
    infos = [member for member, _ in members.values()]
    assert {(info.uid, info.gid, info.uname, info.gname) for info in infos} <= {(0, 0, "root", "root"), (0, 0, "", "")}
    assert len({info.mtime for info in infos}) == 1
    assert {info.mode for info in infos} <= {0o755, 0o644, 0o777}


def test_every_row_of_every_record_is_true(members: Members) -> None:
    records = [name for name in members if name.endswith(".dist-info/RECORD")]
    for record in records:
        site = posixpath.dirname(posixpath.dirname(record))
        for path, digest, size in csv.reader(io.StringIO(members[record][1].decode())):
            content = members[posixpath.normpath(f"{site}/{path}")][1]
            if digest:
                algorithm, _, expected = digest.partition("=")
                found = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
                assert (found, len(content)) == (expected, int(size)), path


def test_layers_hold_only_what_those_below_do_not(published_pond: Pond) -> None:
    archive = published_pond.base / "_artifacts/app-newt.tar.zst"
    site = "app-newt/lib/python3.11/site-packages/"
    names = {member.name.removeprefix(site).split("/")[0] for member, _ in listing(archive) if site in member.name}
    chain = {"+venvstacks.pth", "_venvstacks_layers.py"}
    assert names == {"hop", "legs.py", "newt.abi3.so", "newt-1.0.dist-info", *chain}
    assert archive.stat().st_size < 20_000


def test_the_manifest_lists_what_each_layer_s_metadata_says(published_pond: Pond) -> None:
    for folder in ("_artifacts", "_export"):
        manifest = json.loads((published_pond.base / folder / "__venvstacks__/venvstacks.json").read_text("utf-8"))
        listed = [entry for group in ("runtimes", "frameworks", "applications") for entry in manifest["layers"][group]]
        assert listed == [published_pond.metadata(name, folder) for name in BUILT]


def test_metadata_names_layers_as_they_are_deployed(published_pond: Pond) -> None:
    entry = published_pond.metadata("app-newt")
    archive = published_pond.base / "_artifacts" / entry["archive_name"]
    assert entry["required_layers"] == ["framework-frog", "framework-lily"]
    assert (entry["runtime_layer"], entry["app_launch_module"]) == ("py", "hop")
    assert [module["name"] for module in entry["app_support_modules"]] == ["legs"]
    assert entry["archive_hashes"] == {"sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}
    assert entry["archive_size"] == archive.stat().st_size
    assert published_pond.metadata("py")["runtime_layer"] == "py"


def test_a_report_describes_the_archives_and_exports_of_its_command(published_pond: Pond) -> None:
    project, request = published_pond.project(), Request(("publish", "export"), Selection(include=("app-*",)))
    written = report_of_run(project, request, Report(()), 0.0).model_dump_json(by_alias=True, exclude_unset=True)
    report = json.loads(written)
    for key, folder in (("published", "_artifacts"), ("exported", "_export")):
        assert report[key] == [published_pond.metadata(name, folder) for name in ("app-newt", "app-plain")]
    assert {"archive_name", "archive_size", "archive_hashes", "archive_build"} <= report["published"][0].keys()


def test_it_runs_from_unpacked_archives_without_the_build_folder(locked_pond: Pond, tmp_path: Path) -> None:
    pond = locked_pond.copy(tmp_path / "built here")
    ran(pond.run("build", "publish"))
    artifacts = pond.base / "_artifacts"
    pond.base.rename(tmp_path / "away")
    artifacts = tmp_path / "away" / "_artifacts"
    place = tmp_path / "my 🐸 layers"
    names = ["py", "framework-frog", "framework-lily", "app-newt"]
    for name in names:
        unpack(artifacts / f"{name}.tar.zst", place)
    for name in names:
        script = place / name / "postinstall.py"
        done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, env={}, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    command = [place / "app-newt/bin/python", "-m", "hop", "a b", "🦎"]
    done = subprocess.run(command, capture_output=True, text=True, env={"LANG": "C.UTF-8"}, check=True, cwd="/")
    assert json.loads(done.stdout) == {"legs": 4, "lily": "1.0", "args": ["a b", "🦎"], "says": "🐸🦎"}
    where = "import sys, newt, frog; print(sys.base_prefix, newt.__file__, frog.__file__, sep='\\n')"
    done = subprocess.run([command[0], "-c", where], capture_output=True, text=True, env={}, check=True)
    assert all(line.startswith(str(place)) for line in done.stdout.splitlines())


def test_exported_layers_run_where_they_are(published_pond: Pond) -> None:
    python = published_pond.base / "_export/app-newt/bin/python"
    done = subprocess.run([python, "-m", "hop"], capture_output=True, text=True, env={}, check=True)
    assert json.loads(done.stdout)["legs"] == 4
    assert not list((published_pond.base / "_export/__venvstacks__").glob(".*"))


def test_exports_are_files_of_their_own(published_pond: Pond) -> None:
    inside = "app-newt/lib/python3.11/site-packages/newt.abi3.so"
    built, exported = published_pond.base / "_build" / inside, published_pond.base / "_export" / inside
    assert built.stat().st_ino != exported.stat().st_ino
