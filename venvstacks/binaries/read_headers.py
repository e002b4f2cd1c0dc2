"""Reads compiled files: ELF with pyelftools, PE with pefile, Mach-O with macholib; all three are the extra `platforms`.

The files come from packages of others. These parsers are written in Python, so that a malformed file can raise an
error, but write over no memory; and they read headers alone, not the gigabytes that libraries may have.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from venvstacks.binaries.compiled_file import CompiledFile
from venvstacks.errors import MissingToolError
from venvstacks.model.platforms import OperatingSystem

_MOST_FAT_PARTS = 30  # more cannot be meant: Java's class files begin with the same four bytes
_MACH = {b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xfe\xed\xfa\xce"}
_FAT = {b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"}
_GLIBC = re.compile(r"GLIBC_([0-9]{1,4})\.([0-9]{1,4})")

_ELF_PROCESSORS = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}
_PE_PROCESSORS = {0x8664: "amd64", 0xAA64: "arm64"}
_MACH_PROCESSORS = {0x0100_0007: "x86_64", 0x0100_000C: "arm64"}
_LOAD_DYLIB, _REEXPORT_DYLIB, _LOAD_UPWARD_DYLIB = 0xC, 0x8000_001F, 0x8000_0023
_VERSION_MIN_MACOSX, _BUILD_VERSION = 0x24, 0x32


def is_of_format(head: bytes, system: OperatingSystem) -> bool:
    """Whether a file that begins with these eight bytes is compiled for the operating system."""
    if system == "linux":
        return head.startswith(b"\x7fELF")
    if system == "win":
        return head.startswith(b"MZ")
    is_fat = head[:4] in _FAT and int.from_bytes(head[4:8], "big") < _MOST_FAT_PARTS
    return head[:4] in _MACH or is_fat


def read_compiled_file(path: Path, system: OperatingSystem) -> CompiledFile:
    """Read the headers of a file of the operating system's format.

    Raises:
        ValueError: It is damaged.
        MissingToolError: The parsers are not installed.
        OSError: It cannot be read.
    """
    reader = _READERS[system]
    try:
        return reader(path)
    except ImportError as error:
        raise MissingToolError(
            f"checking the headers of compiled files needs {error.name}, which is not installed",
            hint="install it: pip install 'venvstacks[platforms]'; --no-check-imports builds without that check",
        ) from error
    except OSError:
        raise
    except Exception as error:  # the parsers raise whatever a malformed file leads them to
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _read_elf(path: Path) -> CompiledFile:
    from elftools.elf.dynamic import DynamicSegment  # noqa: PLC0415 - an extra, for few builds
    from elftools.elf.elffile import ELFFile  # noqa: PLC0415
    from elftools.elf.gnuversions import GNUVerNeedSection  # noqa: PLC0415

    with path.open("rb") as stream:
        elf = ELFFile(stream)
        machine = str(elf["e_machine"])
        needed = [
            str(tag.needed)  # type: ignore[attr-defined] # tags have an attribute by their kind
            for segment in elf.iter_segments()
            if isinstance(segment, DynamicSegment)
            for tag in segment.iter_tags("DT_NEEDED")
        ]
        versions = [
            str(auxiliary.name)
            for section in elf.iter_sections()
            if isinstance(section, GNUVerNeedSection)
            for _, auxiliaries in section.iter_versions()
            for auxiliary in auxiliaries
        ]
    found = (_GLIBC.fullmatch(version) for version in versions)
    newest = max(((int(match[1]), int(match[2])) for match in found if match), default=())
    return CompiledFile((_ELF_PROCESSORS.get(machine, machine),), tuple(needed), newest)


def _read_pe(path: Path) -> CompiledFile:
    import pefile  # noqa: PLC0415 - as above

    imports = pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_IMPORT"]
    with pefile.PE(str(path), fast_load=True) as pe:
        pe.parse_data_directories(directories=[imports])
        machine = pe.FILE_HEADER.Machine
        needed = tuple(entry.dll.decode("ascii", "replace") for entry in getattr(pe, "DIRECTORY_ENTRY_IMPORT", ()))
        header = pe.OPTIONAL_HEADER
        system = (header.MajorSubsystemVersion, header.MinorSubsystemVersion)
    return CompiledFile((_PE_PROCESSORS.get(machine, hex(machine)),), needed, system)


def _read_mach(path: Path) -> CompiledFile:
    from macholib.MachO import MachO, lc_str_value  # noqa: PLC0415 - as above

    processors, needed, systems = [], dict[str, None](), []
    for part in MachO(str(path), allow_unknown_load_commands=True).headers:
        number = part.header.cputype & 0xFFFF_FFFF
        processors.append(_MACH_PROCESSORS.get(number, hex(number)))
        for command in part.commands:
            kind = command[0].cmd & 0xFFFF_FFFF
            if kind in {_LOAD_DYLIB, _REEXPORT_DYLIB, _LOAD_UPWARD_DYLIB}:
                needed[lc_str_value(command[1].name, command).decode("utf-8", "replace")] = None
            elif kind == _BUILD_VERSION:
                systems.append(_mac_version(int(command[1].minos)))
            elif kind == _VERSION_MIN_MACOSX:
                systems.append(_mac_version(int(command[1].version)))
    return CompiledFile(tuple(processors), tuple(needed), max(systems, default=()))


def _mac_version(number: int) -> tuple[int, ...]:
    return number >> 16 & 0xFFFF, number >> 8 & 0xFF


_READERS: dict[OperatingSystem, Callable[[Path], CompiledFile]] = {
    "linux": _read_elf,
    "win": _read_pe,
    "macosx": _read_mach,
}
