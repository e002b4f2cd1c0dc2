"""Compiles a layer's sources with its own Python: `python -S -s -B -X utf8 -W ignore compiling.py <request>`.

What `compileall` writes is neither free of paths nor deterministic: the same source gives other bytes after other
sources (`marshal` marks what happens to be referenced elsewhere in the process; seen: 1 of 2,200 files of the standard
library with Python 3.12, 11 with 3.13, most with 3.10). Here code objects are named by their path in the layer and,
where the bytes are published, rewritten in one canonical form, which takes about as long as compiling.

Results are kept by content: where the bytecode of the same source at the same path is needed again, in another
environment, export or build folder, it is only copied. Each carries an HMAC-SHA256, under a key from the request:
entries that another program has put into the cache are not used. The request comes from `actions.publishing.bytecode`.

This process imports nothing but parts of the standard library: no `site`, no packages.

Any Python from 3.8 on may run this file. It imports what every interpreter has loaded or built in, since the Pythons
of environments carry no bytecode themselves.
"""

from __future__ import annotations

import _frozen_importlib_external as external
import _imp
import marshal
import os
import sys

TYPE_CHECKING = False  # typing itself would have to be compiled first
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MAGIC = external.MAGIC_NUMBER
_KEY = int.from_bytes(_MAGIC, "little")
_SEAL = 32
_BLOCK = 64
_HEADER = 16
_UNCHECKED = b"\x01\x00\x00\x00"
_TIMESTAMP = b"\x00\x00\x00\x00"

# The parts of a code object in a marshal stream: how many 32-bit numbers come first, then objects (o) and numbers (n).
_CODE_HEAD, _CODE_TAIL = (5, "oooooooonoo") if sys.version_info >= (3, 11) else (6, "oooooooono")
_NO_CONTENT = b"NTF.S"
_SIZES = {b"i": 4, b"g": 8, b"y": 16}


class Canonical:
    """One marshal stream, rewritten so that it depends on what it says only.

    Equal constants are one object, references are marked where they are used, strings that could be names are
    interned and others are not, sets are in the order of their content.
    """

    def __init__(self, stream: bytes) -> None:
        self._stream = stream
        self._place = 0
        self._references: list[int] = []
        self._known: dict[Any, int] = {}
        self._objects: list[tuple[bytes, Any]] = []
        self._uses: list[int] = []
        self._written: dict[int, int] = {}
        self._out: list[bytes] = []
        self._readers = (
            (b"zZaAut", self._read_text),
            (b"()>:", self._read_parts),  # tuples, frozen sets and, from Python 3.14 on, slices
            (b"NTF.Ssigyl", self._read_plain),
            (b"c", self._read_code),
        )

    def rewrite(self) -> bytes:
        """The canonical stream.

        Raises:
            ValueError: The stream has something that this class does not know.
        """
        top = self._read()
        self._write(top)
        return b"".join(self._out)

    def _take(self, size: int) -> bytes:
        begin = self._place
        self._place = begin + size
        return self._stream[begin : begin + size]

    def _number(self) -> int:
        return int.from_bytes(self._take(4), "little", signed=True)

    def _read(self) -> int:
        first = self._stream[self._place]
        self._place += 1
        kind = bytes((first & 0x7F,))
        if kind == b"r":
            return self._references[self._number()]
        reference = len(self._references)
        if first & 0x80:
            self._references.append(-1)
        number = self._remember(*self._content(kind))
        if first & 0x80:
            self._references[reference] = number
        return number

    def _content(self, kind: bytes) -> tuple[bytes, Any]:
        """Canonical kind and content of the object that is read next; parts of it are given by their numbers."""
        for kinds, read in self._readers:
            if kind in kinds:
                return read(kind)
        raise ValueError(f"unknown kind {kind!r}")

    def _read_text(self, kind: bytes) -> tuple[bytes, bytes]:
        return _as_text(self._take(self._take(1)[0] if kind in b"zZ" else self._number()))

    def _read_parts(self, kind: bytes) -> tuple[bytes, Any]:
        count = self._take(1)[0] if kind == b")" else 3 if kind == b":" else self._number()
        parts = [self._read() for _ in range(count)]
        return kind, tuple(sorted(parts, key=self._spelt_out) if kind == b">" else parts)

    def _read_code(self, kind: bytes) -> tuple[bytes, Any]:
        head = self._take(4 * _CODE_HEAD)
        return kind, (head, *[self._read() if part == "o" else self._take(4) for part in _CODE_TAIL])

    def _read_plain(self, kind: bytes) -> tuple[bytes, bytes]:
        if kind != b"l":
            return kind, self._take(_SIZES.get(kind, 0) if kind != b"s" else self._number())
        head = self._take(4)
        return kind, head + self._take(2 * abs(int.from_bytes(head, "little", signed=True)))

    def _remember(self, kind: bytes, content: Any) -> int:  # noqa: ANN401 - bytes, or a tuple of parts
        known = self._known.setdefault((kind, content), len(self._objects))
        if known == len(self._objects):
            self._objects.append((kind, content))
            self._uses.append(0)
            if type(content) is tuple:
                for part in content:
                    if type(part) is int:
                        self._uses[part] += 1
        return known

    def _spelt_out(self, number: int) -> str:
        """An object with all of its parts, to sort by; numbers depend on the order in which objects were met."""
        kind, content = self._objects[number]
        if type(content) is tuple:
            content = [self._spelt_out(part) if type(part) is int else part for part in content]
        return f"{kind!r}{content!r}"

    def _write(self, number: int) -> None:
        kind, content = self._objects[number]
        out = self._out
        if kind in _NO_CONTENT:
            out.append(kind)
            return
        if number in self._written:
            out.append(b"r" + self._written[number].to_bytes(4, "little"))
            return
        if self._uses[number] > 1:
            self._written[number] = len(self._written)
            out.append(bytes((kind[0] | 0x80,)))
        else:
            out.append(kind)
        out.append(_prefix(kind, content))
        if type(content) is not tuple:
            out.append(content)
            return
        for part in content:
            if type(part) is int:
                self._write(part)
            else:
                out.append(part)


def _as_text(content: bytes) -> tuple[bytes, bytes]:
    if not content.isascii():
        return b"u", content
    if len(content) > 255:
        return b"a", content
    return (b"Z" if content.replace(b"_", b"a").isalnum() else b"z"), content


def _prefix(kind: bytes, content: bytes) -> bytes:
    if kind in b"zZ)":
        return bytes((len(content),))
    return len(content).to_bytes(4, "little") if kind in b"auAt(>s" else b""


def compiled(source: bytes, name: str, *, canonical: bool = True) -> bytes:
    """Bytecode with the header that is never compared with the source (PEP 552); empty if this is no source.

    Args:
        source: What the file holds.
        name: What code objects are called after; imports put the file's real place there.
        canonical: Whether the bytes depend on nothing but the source, the name and this Python.
    """
    try:
        stream = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0))
    except (SyntaxError, ValueError, RecursionError):
        return b""
    if canonical and sys.implementation.name == "cpython":
        stream = Canonical(stream).rewrite()
    return _MAGIC + _UNCHECKED + _imp.source_hash(_KEY, source) + stream


def _find_sha256() -> Callable[[bytes], Any]:
    for module in ("_sha2", "_sha256", "hashlib"):  # the last one takes longest to import
        try:
            found: Callable[[bytes], Any] = __import__(module).sha256
        except ImportError:
            continue
        return found
    raise SystemExit("this Python has no SHA-256")


_sha256 = _find_sha256()
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def _seal(key: bytes, name: str, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of an entry and its name; the module `hmac` would bring many others."""
    padded = key.ljust(_BLOCK, b"\0")
    text = name.encode("utf-8", "surrogateescape") + b"\0" + content
    inner = _sha256(padded.translate(_INNER) + text).digest()
    return bytes(_sha256(padded.translate(_OUTER) + inner).digest())


def _fetch(place: str, key: bytes, name: str) -> bytes | None:
    """What was kept at `place`; None if nothing was, or it is not what was put there under this name and key."""
    try:
        with open(place, "rb", buffering=0) as stream:  # noqa: PTH123 - pathlib would be one import more
            kept = stream.read()
    except OSError:
        return None
    content = kept[_SEAL:]
    return content if _seal(key, name, content) == kept[:_SEAL] else None


def _put(place: str, data: bytes) -> None:
    """Write `data` to the file `place`, as a whole; where it cannot be written, its source is compiled again next time.

    The unfinished file has the same name in all processes: the next one that compiles this source replaces what a
    killed process has left. If two processes write at the same time, the file may be damaged; the seal shows that.
    """
    temporary = f"{place}.part"
    try:
        os.makedirs(place.rpartition("/")[0], exist_ok=True)  # noqa: PTH103
        _write(temporary, data)
        os.replace(temporary, place)  # noqa: PTH105
    except FileNotFoundError:
        pass  # another process, which compiles the same source, has renamed it
    except OSError:  # a cache that is read-only, or full
        try:  # noqa: SIM105 - contextlib would be one import more
            os.unlink(temporary)  # noqa: PTH108
        except OSError:
            pass


def _write(place: str, data: bytes) -> None:
    view = memoryview(data)
    with open(place, "wb", buffering=0) as stream:  # noqa: PTH123
        while view:
            view = view[stream.write(view) :]


def _folders() -> Callable[[str], str]:
    """A function that makes a folder the first time it is asked for."""
    made = set()

    def make(folder: str) -> str:
        if folder not in made:
            os.makedirs(folder, exist_ok=True)  # noqa: PTH103
            made.add(folder)
        return folder

    return make


def _source(place: str, digest: str) -> bytes | None:
    """What the file `place` holds; None if that is not what the digest says."""
    with open(place, "rb", buffering=0) as stream:  # noqa: PTH123
        text = stream.read()
    return text if _sha256(text).hexdigest() == digest else None


def _is_kept(place: str) -> bool:
    """Whether there is a file at `place`; its seal is looked at when it is used."""
    try:
        os.stat(place)  # noqa: PTH116
    except OSError:
        return False
    return True


def _bytecode_of(place: str, name: str, request: dict[str, Any], path: str, digest: str) -> bytes:
    """Bytecode as it was kept in the file `place`, or made and kept now; empty for what cannot be compiled."""
    content = _fetch(place, request["key"], name)
    if content is None:
        text = _source(f"{request['source']}/{path}", digest)
        if text is None:
            raise SystemExit(f"{path} was changed after the build")
        content = compiled(text, path, canonical=not request["timestamps"])
        _put(place, _seal(request["key"], name, content) + content)
    return content


def write_pack(place: str, files: list[tuple[str, str]]) -> None:
    """Write the code of sources into one file: a marshalled dictionary of the digest of each source to its code.

    Args:
        place: The file; it is for this Python.
        files: Paths with SHA-256 digests; a file with another content is left out, and so is what cannot be compiled.
    """
    pack = {}
    for path, digest in files:
        text = _source(path, digest)
        if text is not None:
            with_header = compiled(text, path, canonical=False)
            if with_header:
                pack[_sha256(text).digest()] = with_header[_HEADER:]
    _write(place, marshal.dumps(pack, 2))  # a form that every Python reads


def _with_time(bytecode: bytes, source: str) -> bytes:
    """The same bytecode, valid for as long as its source has the time and size that it has now."""
    info = os.stat(source)  # noqa: PTH116
    numbers = [int(info.st_mtime) & 0xFFFFFFFF, info.st_size & 0xFFFFFFFF]
    times = b"".join(number.to_bytes(4, "little") for number in numbers)
    return _MAGIC + _TIMESTAMP + times + bytecode[_HEADER:]


def place_bytecode(request: dict[str, Any]) -> None:
    """Write the bytecode of the files that the request names to their places, and print Python's tag in its names.

    Args:
        request: `source` and `target` (the folders of the layer, and of its bytecode; the second one is empty if
            bytecode is only kept), `cache` (a folder), `key` (for seals), `timestamps` (whether bytecode gives way to
            a source that is edited; else it is for publishing), and `files`: for each path, a key for path and
            content, and its SHA-256.
    """
    source, target, tag = request["source"], request["target"], sys.implementation.cache_tag
    kind = "local" if request["timestamps"] else "published"
    cache = f"{kind}-{sys.implementation.name}-{sys.hexversion:x}-{_MAGIC.hex()}"
    make_folder = _folders()
    for path, key, digest in request["files"]:
        name = f"{cache}/{key[:2]}/{key[2:]}"
        place = f"{request['cache']}/{name}"
        if not target and _is_kept(place):
            continue
        content = _bytecode_of(place, name, request, path, digest)
        if content and target:
            if request["timestamps"]:
                content = _with_time(content, f"{source}/{path}")
            folder, _, module = path.rpartition("/")
            _write(f"{make_folder(f'{target}/{folder}/__pycache__')}/{module[:-3]}.{tag}.pyc", content)
    print(tag)


def main(request_file: str) -> None:
    """Do what a request asks for: `pack` and `files` for `write_pack`, else that of `place_bytecode`."""
    with open(request_file, "rb") as stream:  # noqa: PTH123
        request: dict[str, Any] = marshal.loads(stream.read())  # noqa: S302 - our own; json would be imports
    os.umask(0o022)
    if "pack" in request:
        write_pack(request["pack"], request["files"])
    else:
        place_bytecode(request)


if __name__ == "__main__":
    main(sys.argv[1])
