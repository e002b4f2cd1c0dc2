"""Archives that no one should unpack: each is a change to a sound one, with what the refusal says."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

import zstandard

from venvstacks.digests import TreeEntry

TOP = "framework-pond"
CONTENT = {"a.txt": b"frog", "folder/b.txt": b"newt" * 300, "folder/deep/run": b"#!/bin/sh\n"}
LINKS = {"folder/link": "../a.txt"}


def entries() -> list[TreeEntry]:
    """What the manifest of the sound archive lists."""
    files = [
        TreeEntry(path, len(data), path.endswith("run"), sha256(data).hexdigest()) for path, data in CONTENT.items()
    ]
    return [*files, *(TreeEntry(path, target=target) for path, target in LINKS.items())]


@dataclass(frozen=True)
class Item:
    """A member of a tar archive as it is written: whatever `tarfile` lets one write."""

    name: str
    data: bytes = b""
    kind: bytes = tarfile.REGTYPE
    mode: int = 0o644
    target: str = ""
    size: int | None = None
    pax: tuple[tuple[str, str], ...] = ()


def sound() -> list[Item]:
    """The members of the sound archive."""
    folders = ["", "/folder", "/folder/deep"]
    items = [Item(f"{TOP}{path}", kind=tarfile.DIRTYPE, mode=0o755) for path in folders]
    items += [
        Item(f"{TOP}/{path}", data, mode=0o755 if path.endswith("run") else 0o644) for path, data in CONTENT.items()
    ]
    return items + [Item(f"{TOP}/{path}", kind=tarfile.SYMTYPE, target=target) for path, target in LINKS.items()]


def tar(items: list[Item], *, dialect: int = tarfile.PAX_FORMAT, end: bytes = bytes(1024)) -> bytes:
    """A tar archive of these members."""
    packed = bytearray()
    for item in items:
        info = tarfile.TarInfo(item.name)
        info.type, info.mode, info.linkname = item.kind, item.mode, item.target
        info.size = len(item.data) if item.size is None else item.size
        info.pax_headers = dict(item.pax)
        packed += info.tobuf(dialect, "utf-8", "surrogateescape")
        packed += item.data + bytes(-len(item.data) % 512)
    return bytes(packed) + end


def zstd(data: bytes) -> bytes:
    """One zstandard frame with a checksum."""
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


def gzip(data: bytes) -> bytes:
    """One gzip member."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {"tar.zst": zstd, "tar.gz": gzip, "tar.xz": lzma.compress}


def _with(*more: Item) -> bytes:
    return tar([*sound(), *more])


def _changed(path: str, **changes: object) -> bytes:
    return tar([replace(item, **changes) if item.name == f"{TOP}/{path}" else item for item in sound()])  # type: ignore[arg-type]


def _patched(offset: int, data: bytes) -> bytes:
    """The sound archive with other bytes in the header of its first file, and a right checksum."""
    packed = bytearray(tar(sound()))
    start = next(place for place in range(0, len(packed), 512) if packed[place : place + 20] == b"framework-pond/a.txt")
    packed[start + offset : start + offset + len(data)] = data
    packed[start + 148 : start + 156] = b" " * 8
    packed[start + 148 : start + 156] = b"%06o\0 " % sum(packed[start : start + 512])
    return bytes(packed)


Case = tuple[str, bytes, str]

TARS: list[Case] = [
    ("absolute name", _with(Item("/etc/frog", b"x")), "not below the top folder"),
    ("dots first", _with(Item("../frog", b"x")), "not below the top folder"),
    ("dots inside", _with(Item(f"{TOP}/../frog", b"x")), "not in the manifest"),
    ("dots that lead back", _with(Item(f"{TOP}/x/../../{TOP}/frog", b"x")), "not in the manifest"),
    ("another spelling", _with(Item(f"{TOP}//a.txt", b"frog")), "not in the manifest"),
    ("a dot in the name", _with(Item(f"{TOP}/./a.txt", b"frog")), "not in the manifest"),
    ("drive", _with(Item("C:/frog", b"x")), "not below the top folder"),
    ("backslashes", _with(Item(f"{TOP}\\..\\frog", b"x")), "not below the top folder"),
    ("wrong top folder", tar([replace(i, name=i.name.replace(TOP, "framework-lake")) for i in sound()]), "top folder"),
    ("another top folder too", _with(Item("other/x", b"x")), "not below the top folder"),
    ("foreign file", _with(Item(f"{TOP}/extra.py", b"x")), "not in the manifest"),
    ("foreign folder", _with(Item(f"{TOP}/extra", kind=tarfile.DIRTYPE)), "not in the manifest"),
    ("file twice", _with(Item(f"{TOP}/a.txt", b"frog")), "there twice"),
    ("link twice", _with(Item(f"{TOP}/folder/link", kind=tarfile.SYMTYPE, target="../a.txt")), "there twice"),
    ("folder twice", _with(Item(f"{TOP}/folder", kind=tarfile.DIRTYPE)), "there twice"),
    ("other case", _with(Item(f"{TOP}/A.TXT", b"frog")), "not in the manifest"),
    ("file missing", tar([item for item in sound() if not item.name.endswith("b.txt")]), "is missing"),
    ("link missing", tar(sound()[:-1]), "is missing"),
    ("hard link", _changed("a.txt", kind=tarfile.LNKTYPE, data=b"", target=f"{TOP}/folder/b.txt"), "is a hard link"),
    ("hard link outside", _with(Item(f"{TOP}/x", kind=tarfile.LNKTYPE, target="/etc/passwd")), "is a hard link"),
    ("character device", _changed("a.txt", kind=tarfile.CHRTYPE, data=b""), "is a device"),
    ("block device", _changed("a.txt", kind=tarfile.BLKTYPE, data=b""), "is a device"),
    ("FIFO", _changed("a.txt", kind=tarfile.FIFOTYPE, data=b""), "is a FIFO"),
    ("sparse file", _changed("a.txt", kind=tarfile.GNUTYPE_SPARSE), "is a sparse file"),
    ("contiguous file", _changed("a.txt", kind=tarfile.CONTTYPE), "of an unknown kind"),
    ("link instead of file", _changed("a.txt", kind=tarfile.SYMTYPE, data=b"", target="/etc"), "another kind"),
    ("folder instead of file", _changed("a.txt", kind=tarfile.DIRTYPE, data=b""), "not in the manifest"),
    ("file instead of link", _changed("folder/link", kind=tarfile.REGTYPE, target=""), "another kind"),
    ("file instead of folder", tar([replace(sound()[0], kind=tarfile.REGTYPE), *sound()[1:]]), "not in the manifest"),
    ("link instead of folder", tar([*sound()[:1], Item(f"{TOP}/folder", kind=tarfile.SYMTYPE, target="/")]), "not in"),
    ("another target", _changed("folder/link", target="../../../x"), "another link"),
    ("absolute target", _changed("folder/link", target="/etc/passwd"), "another link"),
    ("longer", _changed("a.txt", data=b"frogs"), "another size"),
    ("shorter", _changed("a.txt", data=b"fro"), "another size"),
    ("huge size", _changed("a.txt", size=1 << 40), "another size"),
    ("other content", _changed("a.txt", data=b"toad"), "other content"),
    ("executable", _changed("a.txt", mode=0o755), "another size or mode"),
    ("no longer executable", _changed("folder/deep/run", mode=0o644), "another size or mode"),
    ("content of a folder", tar([replace(sound()[0], data=b"x"), *sound()[1:]]), "has content"),
    ("no end", tar(sound(), end=b""), "cut off"),
    ("half an end", tar(sound(), end=bytes(512)), "cut off"),
    ("cut in the middle", tar(sound())[:2000], "cut off"),
    ("cut in a header", tar(sound())[:700], "cut off"),
    ("something after the end", tar(sound(), end=bytes(1024) + b"x" * 512), "follows the end"),
    ("a member after the end", tar(sound(), end=bytes(1024) + tar([Item("x", b"y")])), "follows the end"),
    ("a member within the end", tar(sound(), end=bytes(512) + tar([Item("x", b"y")])), "follows the end"),
    ("zeros without end", tar(sound(), end=bytes(1 << 20)), "follows the end"),
    ("GNU dialect", tar(sound(), dialect=tarfile.GNU_FORMAT), "PAX dialect"),
    ("GNU long name", tar([Item("x" * 200, b"y")], dialect=tarfile.GNU_FORMAT), "PAX dialect"),
    ("no tar at all", b"frog" * 512, "PAX dialect"),
    ("wrong checksum", tar(sound())[:20] + b"X" + tar(sound())[21:], "checksum"),
    ("binary number", _patched(124, b"\x80" + bytes(10) + b"\4"), "for a number"),
    ("negative number", _patched(124, b"\xff" * 12), "for a number"),
    ("no number", _patched(124, b"frog\0\0\0\0\0\0\0\0"), "for a number"),
    ("underscore in a number", _patched(124, b"0_0\0\0\0\0\0\0\0\0\0"), "for a number"),
    ("not UTF-8", _patched(0, b"framework-pond/\xff.txt"), "not UTF-8"),
    ("global header", tar([Item("x", kind=tarfile.XGLTYPE), *sound()]), "of an unknown kind"),
    ("unknown key", _changed("a.txt", pax=(("GNU.sparse.size", "9"),)), "an extended header says"),
    ("size in a record", _changed("a.txt", pax=(("size", "99999999999999"),)), "another size"),
    ("path in a record", _changed("a.txt", pax=(("path", "/etc/frog"),)), "not below the top folder"),
    ("target in a record", _changed("folder/link", pax=(("linkpath", "/etc"),)), "another link"),
    ("large record", _changed("a.txt", pax=(("path", "x" * 70_000),)), "an extended header of"),
]  # fmt: skip

_PLAIN = tar(sound())

STREAMS: list[tuple[str, str, bytes, str]] = [
    ("zstd cut off", "tar.zst", zstd(_PLAIN)[:-1], "cut off"),
    ("zstd without its end", "tar.zst", zstd(_PLAIN)[:60], "cut off"),
    ("zstd and a byte", "tar.zst", zstd(_PLAIN) + b"\0", "follows"),
    ("zstd and a frame", "tar.zst", zstd(_PLAIN) + zstd(b"frog"), "follows"),
    ("zstd and a skippable frame", "tar.zst", zstd(_PLAIN) + struct.pack("<II", 0x184D2A50, 4) + b"frog", "follows"),
    ("zstd with a wrong checksum", "tar.zst", zstd(_PLAIN)[:-4] + b"frog", "damaged"),
    ("no zstd", "tar.zst", gzip(_PLAIN), "not zstandard"),
    ("nothing", "tar.zst", b"", "not zstandard"),
    ("zstd bomb", "tar.zst", zstd(tar([Item(f"{TOP}/a.txt", bytes(64 << 20))])), "another size"),
    ("zstd bomb of zeros", "tar.zst", zstd(_PLAIN[:-1024] + bytes(64 << 20)), "follows the end"),
    ("gzip cut off", "tar.gz", gzip(_PLAIN)[:-1], "cut off"),
    ("gzip and a byte", "tar.gz", gzip(_PLAIN) + b"\0", "follows"),
    ("gzip and a member", "tar.gz", gzip(_PLAIN) + gzip(b"frog"), "follows"),
    ("gzip with a wrong checksum", "tar.gz", gzip(_PLAIN)[:-8] + b"frogfrog", "damaged"),
    ("no gzip", "tar.gz", zstd(_PLAIN), "damaged"),
    ("empty gzip", "tar.gz", b"", "cut off"),
    ("xz cut off", "tar.xz", lzma.compress(_PLAIN)[:-1], "cut off"),
    ("xz and a byte", "tar.xz", lzma.compress(_PLAIN) + b"\0", "damaged|cut off"),
    ("xz and a stream", "tar.xz", lzma.compress(_PLAIN) + lzma.compress(b"frog"), "follows the end"),
    ("no xz", "tar.xz", gzip(_PLAIN), "damaged"),
    ("empty xz", "tar.xz", b"", "cut off"),
]


def zipped(items: list[Item], *, comment: bytes = b"", remark: bytes = b"") -> bytes:
    """A zip archive of these members, with a comment on the whole and a remark on each of them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as pack:
        for item in items:
            kinds = {tarfile.DIRTYPE: 0o040000, tarfile.SYMTYPE: 0o120000, tarfile.FIFOTYPE: 0o010000}
            info = zipfile.ZipInfo(item.name + "/" * (item.kind == tarfile.DIRTYPE))
            info.create_system, info.comment = 3, remark
            info.external_attr = (kinds.get(item.kind, 0o100000) | item.mode) << 16
            pack.writestr(info, item.target or item.data)
        pack.comment = comment
    return stream.getvalue()


def _zip_with(*more: Item) -> bytes:
    return zipped([*sound(), *more])


def _zip_patched(old: bytes, new: bytes) -> bytes:
    packed = zipped(sound())
    assert old in packed
    return packed.replace(old, new)


ZIPS: list[Case] = [
    ("zip: absolute name", _zip_with(Item("/etc/frog", b"x")), "not below the top folder"),
    ("zip: dots", _zip_with(Item(f"{TOP}/../frog", b"x")), "not in the manifest"),
    ("zip: backslashes", _zip_with(Item(f"{TOP}/x\\..\\frog", b"x")), "not in the manifest"),
    ("zip: foreign file", _zip_with(Item(f"{TOP}/extra", b"x")), "not in the manifest"),
    ("zip: missing file", zipped(sound()[:-1]), "is missing"),
    ("zip: FIFO", _zip_with(Item(f"{TOP}/x", kind=tarfile.FIFOTYPE)), "neither a file"),
    ("zip: another target", zipped([*sound()[:-1], replace(sound()[-1], target="/etc")]), "another link"),
    ("zip: long target", zipped([*sound()[:-1], replace(sound()[-1], target="x" * 9999)]), "target of 9999 bytes"),
    ("zip: other content", zipped([replace(i, data=i.data and b"toad" * (len(i.data) // 4) + b"x" * (len(i.data) % 4))
                                   for i in sound()]), "other content"),
    ("zip: longer", zipped([replace(i, data=i.data and i.data + b"x") for i in sound()]), "another size"),
    ("zip: comment", zipped(sound(), comment=b"frog"), "follows the end"),
    ("zip: trailing data", zipped(sound()) + b"frog", "follows the end"),
    ("zip: leading data", b"frog" + zipped(sound()), "precedes|damaged"),
    ("zip: cut off", zipped(sound())[:-30], "damaged"),
    ("zip: no zip", b"frog" * 100, "damaged"),
    ("zip: empty", b"", "damaged"),
    ("zip: two names for one member", _zip_patched(f"{TOP}/a.txt".encode(), f"{TOP}/A.txt".encode()), "not in the"),
    ("zip: wrong sum", _zip_patched(struct.pack("<I", zlib.crc32(b"frog")), b"\0\0\0\0"), "damaged"),
]  # fmt: skip


def cases() -> Iterator[tuple[str, str, bytes, str]]:
    """Name, format, archive, what the refusal says: every tar in zstandard, streams, and zip."""
    yield from ((name, "tar.zst", zstd(data), says) for name, data, says in TARS)
    yield from STREAMS
    yield from ((name, "zip", data, says) for name, data, says in ZIPS)


MANIFESTS: list[tuple[str, TreeEntry, str]] = [
    (name, TreeEntry(path, 0, sha256="0" * 64), says)
    for name, path, says in [
        ("absolute", "/etc/frog", "not a plain relative path"),
        ("dots", "../frog", "not a plain relative path"),
        ("dots inside", "folder/../../frog", "not a plain relative path"),
        ("dot", "./frog", "not a plain relative path"),
        ("empty", "", "not a plain relative path"),
        ("empty part", "folder//frog", "not a plain relative path"),
        ("final slash", "folder/", "not a plain relative path"),
        ("backslash", "folder\\..\\..\\frog", "no part of a file's name"),
        ("drive", "C:frog", "no part of a file's name"),
        ("NUL", "frog\0.py", "no part of a file's name"),
        ("line break", "frog\n", "no part of a file's name"),
        ("surrogate", "frog\udcff", "no part of a file's name"),
        ("long name", "x" * 256, "too long"),
        ("long path", "/".join(["x" * 200] * 6), "too long"),
        ("twice", "a.txt", "listed twice"),
        ("other case", "A.txt", "the same on some file systems"),
        ("other case below", "folder/B.TXT", "the same on some file systems"),
        ("folder of another case", "FOLDER", "the same on some file systems"),
        ("file as folder", "a.txt/frog", "the same on some file systems"),
        ("file as folder of another case", "A.TXT/frog", "the same on some file systems"),
    ]
] + [
    (f"link to {target}", TreeEntry("folder/new", target=target), says)
    for target, says in [
        ("/etc/passwd", "out of its layer"),
        ("C:/frog", "out of its layer"),
        ("C:frog", "out of its layer"),
        ("", "out of its layer"),
        ("..\\..\\..\\frog", "no path"),
        ("frog\n", "no path"),
        ("../..", "out of its layer"),
        ("../../..", "out of its layer"),
        ("../../../frog", "out of its layer"),
        ("../../framework-lake/frog", "out of its layer"),
        ("../../py/../frog", "out of its layer"),
        ("../../py/../../frog", "out of its layer"),
        ("new", "in circles"),
        ("new/frog", "in circles"),
        ("back/frog", "in circles"),
    ]
]  # fmt: skip
