"""Tar archives in the PAX dialect (POSIX.1-2001), with headers built by hand.

The standard library's module is not used: the values that it writes where the format leaves a choice (device numbers,
names of extended headers) have changed between Python versions, and it stores files with a common inode as hard links.
The bytes of these archives depend on the members and the epoch only.
"""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks.archives.member_contents import Contents
from venvstacks.archives.members import Member

BLOCK = 512
_RECORD = 20 * BLOCK  # archives end with a full record: tape drives required it, and some readers still do
_NAME_LIMIT = 100
_OCTAL_LIMIT = 8**11  # eleven octal digits: 8 GiB for sizes, the year 2242 for times
_FILE, _LINK, _FOLDER, _EXTENDED = b"0", b"2", b"5", b"x"
_OWNER = b"%07o\0" % 0 * 2
_REST = b"ustar\x0000" + b"root".ljust(32, b"\0") * 2 + b"%07o\0" % 0 * 2 + bytes(155 + 12)
_REST_SUM = sum(_REST) + 8 * ord(" ")  # a checksum is computed as if its own field held spaces


def tar_chunks(contents: Contents, epoch: int) -> Iterator[bytes]:
    """A whole tar archive of `contents`, a piece at a time.

    Owner and group are 0 (`root`), every time is `epoch` (seconds since 1970), no member is a hard link.

    Raises:
        ChangedEnvironmentError: The tree differs from the members.
        PublishError: A file cannot be read.
    """
    written = 0
    for member in contents.members:
        header = member_header(member, epoch)
        yield header
        yield from contents.read(member)
        padding = -member.size % BLOCK
        if padding:
            yield bytes(padding)
        written += len(header) + member.size + padding
    yield bytes(2 * BLOCK + -(written + 2 * BLOCK) % _RECORD)


def member_header(member: Member, epoch: int) -> bytes:
    """The header of one member: one block, with an extended header before it if not all values fit into the block."""
    name, target, kind = member.path.encode(), b"", _FILE
    if member.target is not None:
        target, kind = member.target.encode(), _LINK
    elif member.is_folder:
        name, kind = name + b"/", _FOLDER
    extended = b""
    if records := _extended_records(name, target, member.size):
        extended = _block(b"././@PaxHeader", kind=_EXTENDED, mode=0o644, size=len(records), epoch=epoch)
        extended += records + bytes(-len(records) % BLOCK)
    size = member.size if member.size < _OCTAL_LIMIT else 0
    return extended + _block(name, kind=kind, mode=member.mode, size=size, epoch=epoch, target=target)


def _extended_records(name: bytes, target: bytes, size: int) -> bytes:
    """Records for values that do not fit into a header block: long or non-ASCII names, sizes of 8 GiB or more."""
    records = b""
    if target and not _is_plain(target):
        records += _record(b"linkpath", target)
    if not _is_plain(name):
        records += _record(b"path", name)
    if size >= _OCTAL_LIMIT:
        records += _record(b"size", str(size).encode())
    return records


def _is_plain(name: bytes) -> bool:
    return len(name) <= _NAME_LIMIT and name.isascii()


def _record(key: bytes, value: bytes) -> bytes:
    r"""`<length> <key>=<value>\n`, where the length counts its own digits."""
    bare = len(key) + len(value) + 3
    length = bare + len(str(bare))
    length = bare + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _block(name: bytes, *, kind: bytes, mode: int, size: int, epoch: int, target: bytes = b"") -> bytes:
    """One ustar header block: names are truncated to the field's size, numbers are octal, the checksum covers all."""
    name, target = name[:_NAME_LIMIT], target[:_NAME_LIMIT]
    before = b"%s%07o\0%s%011o\0%011o\0" % (name.ljust(_NAME_LIMIT, b"\0"), mode, _OWNER, size, epoch)
    checksum = sum(before) + sum(kind) + sum(target) + _REST_SUM
    return b"%s%06o\0 %s%s%s" % (before, checksum, kind, target.ljust(_NAME_LIMIT, b"\0"), _REST)
