"""Handmade wheels: small, valid, and the same bytes on every machine and in every run."""

from __future__ import annotations

import base64
import hashlib
import stat
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    *,
    files: Mapping[str, bytes] | None = None,
    requires: Sequence[str] = (),
    tag: str = "py3-none-any",
    entry_points: Mapping[str, str] | None = None,
    executables: Sequence[str] = (),
) -> Path:
    """Write a wheel into `folder`, which is made if it is missing, and return its path.

    Args:
        folder: Where to.
        name: Distribution name.
        version: Version as it goes into the file name.
        files: Path in the wheel to content; None gives one module, named like the distribution, that knows its
            version. Paths below `<name>-<version>.data/` go where wheels say.
        requires: Requirements (PEP 508).
        tag: Compatibility tag; several platforms are joined by dots (`py3-none-linux_x86_64.win_amd64`).
        entry_points: Console scripts: name to `module:function`.
        executables: Paths that get the executable bit.
    """
    distribution = name.replace("-", "_").replace(".", "_")
    info = f"{distribution}-{version}.dist-info"
    if files is None:
        files = {f"{distribution}.py": f'"""{name}"""\n__version__ = "{version}"\n'.encode()}
    metadata = [
        "Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", f"Summary: {name} of the tests",
        *(f"Requires-Dist: {requirement}" for requirement in requires),
        *(f"Provides-Extra: {extra}" for extra in _extras(requires)),
    ]  # fmt: skip
    content = {
        **files,
        f"{info}/METADATA": _lines(metadata),
        f"{info}/WHEEL": _lines(["Wheel-Version: 1.0", "Generator: tests", *_wheel_tags(tag)]),
    }
    if entry_points:
        scripts = [f"{script} = {target}" for script, target in sorted(entry_points.items())]
        content[f"{info}/entry_points.txt"] = _lines(["[console_scripts]", *scripts])
    content[f"{info}/RECORD"] = _record(content, f"{info}/RECORD")
    path = folder / f"{distribution}-{version}-{tag}.whl"
    _pack(path, content, executables)
    return path


def _pack(path: Path, content: Mapping[str, bytes], executables: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for place, data in content.items():
            member = zipfile.ZipInfo(place, _EPOCH)
            member.create_system = 3
            member.external_attr = (stat.S_IFREG | (0o755 if place in executables else 0o644)) << 16
            archive.writestr(member, data)


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _extras(requires: Sequence[str]) -> list[str]:
    """Extras that requirements of the form `x; extra == 'name'` speak of."""
    found = (requirement.replace('"', "'").partition("extra == '")[2].partition("'")[0] for requirement in requires)
    return sorted({extra for extra in found if extra})


def _wheel_tags(tag: str) -> list[str]:
    python, abi, platforms = tag.split("-")
    pure = "true" if platforms == "any" else "false"
    tags = [f"Tag: {p}-{a}-{m}" for p in python.split(".") for a in abi.split(".") for m in platforms.split(".")]
    return [f"Root-Is-Purelib: {pure}", *tags]


def _record(content: Mapping[str, bytes], own_path: str) -> bytes:
    rows = []
    for place, data in content.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        rows.append(f"{place},sha256={digest},{len(data)}")
    return _lines([*rows, f"{own_path},,"])
