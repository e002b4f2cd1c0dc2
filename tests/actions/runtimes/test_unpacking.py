from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from tests.support.capabilities import needs_modes, needs_symbolic_links
from tests.support.packed_pythons import INTERPRETER, LINUX, WANTED, WINDOWS, pack, tools_in
from venvstacks.errors import RuntimeUnavailableError
from venvstacks.model.platforms import PythonImplementation
from venvstacks.runtimes.archive_provider import ArchiveProvider
from venvstacks.runtimes.provider_request import ArchiveSource, RuntimeRequest
from venvstacks.runtimes.unpack_python import find_root, unpack

PYTHON = PythonImplementation("cpython", "3.11.7")


def lay_down(packed: bytes, tmp_path: Path) -> Path:
    archive = tmp_path / "packed"
    archive.write_bytes(packed)
    folder = tmp_path / "a/b/unpacked"
    folder.mkdir(parents=True)
    unpack(archive, folder)
    return folder


def tar_of(*members: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@needs_symbolic_links
@needs_modes
@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz", "zst"])
def test_every_usual_compression(compression: str, tmp_path: Path) -> None:
    if compression == "zst":
        packed = zstandard.ZstdCompressor().compress(pack(compression=""))
    else:
        packed = pack(compression=compression)
    root = find_root(lay_down(packed, tmp_path), PYTHON, LINUX)
    assert root.name == "python"
    assert (root / "bin/python3.11").read_bytes() == INTERPRETER
    assert (root / "bin/python3.11").stat().st_mode & 0o777 == 0o755
    assert (root / "lib/python3.11/os.py").stat().st_mode & 0o777 == 0o644
    assert (root / "bin/python").readlink() == Path("python3.11")


def test_zip(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("pypy/python.exe", b"MZ")
        archive.writestr("pypy/Lib/os.py", b"# os")
    root = find_root(lay_down(stream.getvalue(), tmp_path), PYTHON, WINDOWS)
    assert sorted(path.name for path in root.iterdir()) == ["Lib", "python.exe"]


def test_a_tar_that_ends_in_a_wheel_is_still_a_tar(tmp_path: Path) -> None:
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("x", b"x")
    folder = lay_down(pack({"bin/python3.11": b"", "pip.whl": wheel.getvalue()}, {}, compression=""), tmp_path)
    assert (folder / "python/pip.whl").read_bytes() == wheel.getvalue()


@pytest.mark.parametrize("top", ["", "python/", "cpython-3.11.7/", "python/install/"])
def test_the_runtime_is_found_where_archives_have_it(top: str, tmp_path: Path) -> None:
    folder = lay_down(pack(WANTED, {}, top=top), tmp_path)
    assert find_root(folder, PYTHON, LINUX) == folder / top


def test_an_archive_whose_first_member_is_the_packed_folder(tmp_path: Path) -> None:
    """As of `tar -C FOLDER -c .`, and of Python's own `shutil.make_archive`."""
    packed = tar_of(member(".", tarfile.DIRTYPE), member("./bin/", tarfile.DIRTYPE), member("./bin/python3.11"))
    assert find_root(lay_down(packed, tmp_path), PYTHON, LINUX).name == "unpacked"


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    folder = lay_down(pack({"bin/ruby": b""}, {}), tmp_path)
    with pytest.raises(RuntimeUnavailableError, match=r"holds no bin/python3\.11"):
        find_root(folder, PYTHON, LINUX)


def test_hard_links_become_files_of_their_own(tmp_path: Path) -> None:
    folder = lay_down(tar_of(member("a", size=3), member("b", tarfile.LNKTYPE, "a")), tmp_path)
    assert (folder / "b").read_bytes() == b"xxx"
    assert (folder / "a").stat().st_nlink == 1


@needs_symbolic_links
def test_links_may_lead_through_each_other_inside(tmp_path: Path) -> None:
    folder = lay_down(
        tar_of(
            member("lib/real", size=1),
            member("lib64", tarfile.SYMTYPE, "lib"),
            member("bin/python", tarfile.SYMTYPE, "../lib64/real"),
        ),
        tmp_path,
    )
    assert (folder / "bin/python").read_bytes() == b"x"


HOSTILE = {
    "parent folder": [member("../evil", size=1)],
    "parent folder inside": [member("python/../../evil", size=1)],
    "absolute": [member("/tmp/evil", size=1)],
    "backslashes": [member("..\\evil", size=1)],
    "file in place of the packed folder": [member(".", size=1)],
    "link in place of the packed folder": [member(".", tarfile.SYMTYPE, "..")],
    "absolute link": [member("evil", tarfile.SYMTYPE, "/etc/passwd")],
    "link to the parent": [member("evil", tarfile.SYMTYPE, "..")],
    "links through each other": [
        member("t/x", size=1),
        member("x/y/z/d", tarfile.SYMTYPE, "../../../t"),
        member("x/y/z/e", tarfile.SYMTYPE, "d/../../q"),
    ],
    "link made before what it leads through": [
        member("t/x", size=1),
        member("x/y/z/e", tarfile.SYMTYPE, "d/../../q"),
        member("x/y/z/d", tarfile.SYMTYPE, "../../../t"),
    ],
    "file through a link": [member("d", tarfile.SYMTYPE, ".."), member("d/evil", size=1)],
    "link through a link": [member("d", tarfile.SYMTYPE, ".."), member("d/evil", tarfile.SYMTYPE, "x")],
    "hard link to outside": [member("evil", tarfile.LNKTYPE, "../secret")],
    "hard link to nothing": [member("evil", tarfile.LNKTYPE, "nothing")],
    "device": [member("evil", tarfile.CHRTYPE)],
    "pipe": [member("evil", tarfile.FIFOTYPE)],
    "twice the same": [member("evil", size=1), member("evil", size=1)],
    "file as folder": [member("evil", size=1), member("evil/x", size=1)],
}


def marked(members: list[tarfile.TarInfo]) -> tuple[pytest.MarkDecorator, ...]:
    return (needs_symbolic_links,) if any(member.issym() for member in members) else ()


@pytest.mark.parametrize(
    "members", [pytest.param(members, id=name, marks=marked(members)) for name, members in HOSTILE.items()]
)
def test_nothing_is_written_outside(members: list[tarfile.TarInfo], tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/secret").write_text("secret")
    with pytest.raises(RuntimeUnavailableError, match="cannot be unpacked"):
        lay_down(tar_of(*members), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "packed"]
    assert sorted(path.name for path in (tmp_path / "a/b").iterdir()) == ["secret", "unpacked"]


UNWRITABLE_ON_WINDOWS = ("python/Lib/aux.py", "python/C:/evil", "python/Lib/os.py.", "python/NUL", "python/a?b")


@pytest.mark.parametrize("name", UNWRITABLE_ON_WINDOWS)
def test_names_that_windows_cannot_store_are_refused_for_it(name: str, tmp_path: Path) -> None:
    packed, folder = tmp_path / "packed.tar", tmp_path / "unpacked"
    packed.write_bytes(tar_of(member(name, size=1)))
    folder.mkdir()
    with pytest.raises(RuntimeUnavailableError, match="cannot be a file's name on Windows"):
        unpack(packed, folder, windows=True)
    assert [*folder.iterdir()] == []


def test_a_runtime_for_windows_with_such_a_name_is_refused(tmp_path: Path) -> None:
    packed = pack({"python.exe": b"MZ", "Lib/os.py": b"", "Lib/con.py": b""}, {})
    (tmp_path / "packed").write_bytes(packed)
    source = ArchiveSource(str(tmp_path / "packed"), hashlib.sha256(packed).hexdigest())
    request = RuntimeRequest(PYTHON, WINDOWS, {WINDOWS.name: source})
    with pytest.raises(RuntimeUnavailableError, match=r"'python/Lib/con\.py' cannot be"):
        ArchiveProvider().prepare(request, tools_in(tmp_path))


@pytest.mark.parametrize(
    "packed",
    [b"", b"no archive at all", pack()[:200], b"PK\x03\x04 no zip", b"\x28\xb5\x2f\xfd no zstd", b"\x1f\x8b no gzip"],
    ids=["empty", "text", "cut", "zip", "zstd", "gzip"],
)
def test_what_is_no_archive_is_said_so(packed: bytes, tmp_path: Path) -> None:
    with pytest.raises(RuntimeUnavailableError, match="packed cannot be unpacked") as caught:
        lay_down(packed, tmp_path)
    assert caught.value.hint is not None
