"""Bundles: a part of a publication, a Python and the deployer in one file, for machines without Python and network.

For Linux and macOS it is a shell script followed by a zip archive that is not compressed, for Windows a zip archive
with a command file. The deployer reads the part of the publication where it is (`bundled_source`).
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from venvstacks.archives.write_failures import not_written
from venvstacks.bundling.bundle_members import BundleMembers, WrittenMember
from venvstacks.bundling.bundled_archives import SUFFIX, PublishedArchive
from venvstacks.bundling.carried_modules import BUNDLE_ENTRY, package_folder
from venvstacks.bundling.deployer_file import deployer_content
from venvstacks.bundling.verifying_packages import VerifyingPackages, installed_packages
from venvstacks.deployment.offers import Offer, OfferedFile, OfferedLayer
from venvstacks.deployment.steps.bundled_source import INDEX, PUBLICATION, BundleIndex
from venvstacks.deployment.steps.instances import expected_tree
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.digests import sha256_stream
from venvstacks.errors import UsageError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.files import replacing, staging_folder

_PROGRAM = "install.pyz"
_RUNTIME_FOLDER = "runtime"
_OLDEST_MINOR = 9
_BLOCK = 512
_WIDEST = 10**20  # more digits than any number in the script has
_QUOTED = 6  # how much longer a text may become in quotation marks
_LONGEST_PATH = 1024


@dataclass(frozen=True)
class BundleRequest:
    """A bundle that is to be made.

    Attributes:
        source: Where the layers come from; verified if it is signed.
        recorded: Every small file that was read from it so far, by path; what is read later is added by the source.
        offer: What it offers for the platform.
        platform: The target platform.
        applications: Names of the applications.
        output: The file.
        version: The version of this program.
        signed: Whether the publication is signed.
        older: Gives what verifies signatures on Pythons that the installed packages are too new for.
        threads: How many threads may compress; has no influence on the bytes.
    """

    source: Source
    recorded: Mapping[str, bytes]
    offer: Offer
    platform: TargetPlatform
    applications: tuple[str, ...]
    output: Path
    version: str
    signed: bool
    older: Callable[[], VerifyingPackages]
    threads: int = 1

    @property
    def title(self) -> str:
        """What is installed, for people."""
        return " ".join([", ".join(self.applications), *([self.offer.release] if self.offer.release else [])])


@dataclass(frozen=True)
class MadeBundle:
    """A bundle.

    Attributes:
        path: The file.
        size: Its bytes.
        title: The applications in it, with their release.
        platform: The target platform's name.
        layers: Deployed names of the layers in it.
    """

    path: Path
    size: int
    title: str
    platform: str
    layers: tuple[str, ...]


def write_bundle(request: BundleRequest) -> MadeBundle:
    """Write a bundle: the same bytes for the same publication, applications and installed versions.

    Memory is bounded. Archives that come from a web server are next to the file for a while, one at a time.

    Raises:
        UsageError: There is no such application, or its Python cannot run the deployer.
        DeployError: A published file is missing, damaged, or another one.
        TransferError: One cannot be fetched.
        PublishError: The bundle cannot be written.
    """
    layers = request.offer.closure(request.applications)
    runtime = max((one for one in layers if one.kind == "runtime"), key=_version)
    packages = installed_packages()
    if request.signed and _version(runtime) < (3, packages.oldest):
        packages = request.older()
    _check_python(runtime, packages if request.signed else None)
    with not_written(request.output), replacing(request.output) as temporary:
        with staging_folder(temporary.parent, ".bundle") as scratch, temporary.open("w+b") as stream:
            writer = _Writer(request, runtime, scratch)
            if request.platform.is_windows:
                writer.write_windows(stream, layers, packages)
            else:
                writer.write_posix(stream, layers, packages)
        temporary.chmod(0o644 if request.platform.is_windows else 0o755)
        size = temporary.stat().st_size
    return MadeBundle(
        request.output, size, request.title, request.platform.name, tuple(layer.target for layer in layers)
    )


def _version(layer: OfferedLayer) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,9}", layer.python))


def _check_python(runtime: OfferedLayer, packages: VerifyingPackages | None) -> None:
    oldest = max(_OLDEST_MINOR, packages.oldest if packages else 0)
    if _version(runtime) < (3, oldest):
        raise UsageError(
            f"a bundle with {runtime.python} cannot be made: the deployer in it needs Python 3.{oldest}",
            hint="publish the application above a newer runtime, or deploy it with the deployer",
        )


class _Writer:
    """Writes the parts of one bundle."""

    def __init__(self, request: BundleRequest, runtime: OfferedLayer, scratch: Path) -> None:
        self._request, self._runtime, self._scratch = request, runtime, scratch
        self._repacked: dict[str, OfferedFile] = {}
        self._python = ""

    def write_posix(self, stream: BinaryIO, layers: tuple[OfferedLayer, ...], packages: VerifyingPackages) -> None:
        """Write the shell script and the archive."""
        # The script names places in what follows it, and is written last: room is kept for it, more than it needs.
        nothing = WrittenMember(_WIDEST, _WIDEST, "0" * 64)
        room = len(self._script("", _WIDEST, (nothing, nothing, nothing)))
        room += _QUOTED * (len(self._request.title.encode()) + _LONGEST_PATH)
        room += -room % _BLOCK
        stream.write(b"\n" * room)
        with BundleMembers(stream) as members:
            program = self._add_program(members, packages)
            written = [self._add_layer(members, layer) for layer in layers]
            self._add_metadata(members, layers)
        unpacked = written[layers.index(self._runtime)]
        size = stream.tell()
        stream.seek(room)
        digest = sha256_stream(stream)
        python = f"{self._runtime.target}/{self._python}"
        script = self._script(python, size, (WrittenMember(room, size - room, digest), program, unpacked))
        stream.seek(0)
        stream.write(script)

    def write_windows(self, stream: BinaryIO, layers: tuple[OfferedLayer, ...], packages: VerifyingPackages) -> None:
        """Write the archive with a command file and an unpacked runtime."""
        with BundleMembers(stream) as members:
            self._add_program(members, packages)
            for layer in layers:
                self._add_layer(members, layer)
            text = _filled("install.cmd", title=_percent(self._request.title), python=_percent(self._windows_python))
            members.store("install.cmd", [text.replace("\n", "\r\n").encode()])
            self._add_metadata(members, layers)

    @property
    def _windows_python(self) -> str:
        return self._python.replace("/", "\\")

    def _script(self, python: str, size: int, parts: tuple[WrittenMember, WrittenMember, WrittenMember]) -> bytes:
        archive, program, runtime = parts
        text = _filled(
            "install.sh",
            title=self._request.title,
            title_quoted=shlex.quote(self._request.title),
            platform=self._request.platform.name,
            python_quoted=shlex.quote(python),
            size=size,
            begin=archive.begin + 1,
            sha256=archive.sha256,
            program_begin=program.begin + 1,
            program_size=program.size,
            runtime_begin=runtime.begin + 1,
            runtime_size=runtime.size,
        )
        return text.encode()

    def _add_program(self, members: BundleMembers, packages: VerifyingPackages) -> WrittenMember:
        return members.store(_PROGRAM, [deployer_content(self._request.version, [packages], BUNDLE_ENTRY)])

    def _add_layer(self, members: BundleMembers, layer: OfferedLayer) -> WrittenMember:
        """Add a layer's archive; on Windows, the unpacked runtime too."""
        request, is_runtime = self._request, layer is self._runtime
        tree = expected_tree(request.source.read(layer.files), layer, request.platform)
        with staging_folder(self._scratch, "layer") as folder:
            archive = PublishedArchive(request.source.obtain(layer.archive, folder).path, tree)
            if is_runtime:
                self._python = archive.base_python
            if is_runtime and request.platform.is_windows:
                archive.unpack(folder)
                for path in sorted(tree.entries):
                    members.compress(f"{_RUNTIME_FOLDER}/{path}", folder / tree.top / path)
            if archive.is_kept(for_shell=is_runtime and not request.platform.is_windows):
                return members.store(f"{PUBLICATION}/{layer.archive.name}", archive.pieces())
            name = f"{layer.archive.name.removesuffix(archive.suffix)}{SUFFIX}"
            with closing(archive.packed_again(request.threads, folder)) as pieces:
                written = members.store(f"{PUBLICATION}/{name}", pieces)
            self._repacked[layer.archive.name] = OfferedFile(name, written.size, written.sha256)
            return written

    def _add_metadata(self, members: BundleMembers, layers: tuple[OfferedLayer, ...]) -> None:
        request = self._request
        index = BundleIndex(
            source=request.source.label,
            platform=request.platform.name,
            applications=request.applications,
            layers=tuple(layer.target for layer in layers),
            repacked=dict(sorted(self._repacked.items())),
        )
        text = json.dumps({"format": 1, **asdict(index)}, indent=2, ensure_ascii=False)
        files = {**request.recorded, INDEX: f"{text}\n".encode()}
        for path, content in sorted(files.items()):
            members.store(f"{PUBLICATION}/{path}", [content])


def _filled(name: str, **values: object) -> str:
    text = (package_folder() / "bundling" / name).read_text(encoding="utf-8")
    return re.sub("@([a-z0-9_]+)@", lambda found: str(values[found[1]]), text)


def _percent(text: str) -> str:
    """`text` in a batch file."""
    return text.replace("%", "%%")
