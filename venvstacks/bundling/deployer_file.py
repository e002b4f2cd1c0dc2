"""The deployer: the deploying part of this program in one file, for any Python from 3.9 on.

It is a zip archive that Python runs (`python3 venvstacks-deploy.pyz`): the modules as they are installed here, a start,
and the packages that verify signatures where they are installed: several versions of them, each for the Pythons that
it is for.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.archives.write_failures import not_written
from venvstacks.bundling.carried_modules import ENTRY, carried_modules, package_folder
from venvstacks.bundling.verifying_packages import VerifyingPackages, installed_packages
from venvstacks.tools.files import write_atomically

_TIME = (1980, 1, 1, 0, 0, 0)
_START = b"#!/usr/bin/env python3\n"
_THIRD_PARTY = "third_party"
_MAIN = """\
# The start of the deployer; old Pythons must be able to read it.
import sys

if sys.version_info < (3, 9):
    sys.exit("error: the deployer needs Python 3.9 or later, and this is %%s" %% sys.version.split()[0])
sys.dont_write_bytecode = True
for oldest in %(oldest)r:
    if sys.version_info >= (3, oldest):
        sys.path.insert(1, sys.path[0] + "/%(folder)s/3." + str(oldest))
        break
from %(program)s import main

main(%(version)r)
"""


@dataclass(frozen=True)
class MadeDeployer:
    """A deployer.

    Attributes:
        path: The file.
        size: Its bytes.
        packages: The packages in it that verify signatures.
    """

    path: Path
    size: int
    packages: tuple[VerifyingPackages, ...]


def write_deployer(path: Path, version: str, older: VerifyingPackages | None = None) -> MadeDeployer:
    """Write the deployer; the same bytes for the same installed versions.

    Args:
        path: Where.
        version: The version of this program.
        older: What verifies signatures on Pythons that the installed packages are too new for.

    Raises:
        PublishError: It cannot be written.
    """
    packages = tuple(one for one in (installed_packages(), older) if one and one.versions)
    content = deployer_content(version, packages)
    with not_written(path):
        write_atomically(path, content)
        path.chmod(0o755)
    return MadeDeployer(path, len(content), packages)


def deployer_content(version: str, packages: Sequence[VerifyingPackages], program: str = ENTRY) -> bytes:
    """The bytes of a deployer.

    Args:
        version: The version of this program.
        packages: What verifies signatures; the first that is not for newer Pythons than the running one is used.
        program: The module with its command line.
    """
    package = package_folder()
    files = {
        file.relative_to(package.parent).as_posix(): file.read_bytes()
        for file in carried_modules(package, program).values()
    }
    for one in packages:
        files |= {f"{_THIRD_PARTY}/3.{one.oldest}/{path}": content for path, content in one.files.items()}
    names = {"folder": _THIRD_PARTY, "version": version, "program": program}
    start = _MAIN % {"oldest": [one.oldest for one in packages], **names}
    return _START + _zipped({"__main__.py": start.encode(), **files})


def _zipped(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted(files.items()):
            member = zipfile.ZipInfo(path, _TIME)
            member.external_attr = 0o100644 << 16
            member.create_system = 3  # the same on all systems
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return stream.getvalue()
