"""Machines without Python: bundles started by one shell, with nothing but a few programs on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

TOOLS = ("tail", "head", "wc", "tar", "gzip", "mktemp", "rm", "sha256sum", "uname")
"""All that the script of a bundle may need."""

SHELLS = {
    name: command
    for name, *command in (("dash", "dash"), ("bash", "bash", "--posix"), ("busybox", "busybox", "sh"))
    if shutil.which(command[0])
}
"""The command of each shell that is installed here."""


@dataclass(frozen=True)
class Ended:
    """An ended bundle.

    Attributes:
        status: Its exit code.
        output: What it has printed, to both streams.
    """

    status: int
    output: str


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        shell: The command of its shell.
        folder: Its programs and its temporary folder.
    """

    shell: list[str]
    folder: Path

    @property
    def temporary(self) -> Path:
        return self.folder / "temporary files"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.folder / "bin"), "TMPDIR": str(self.temporary)}

    def command(self, bundle: Path | str, *arguments: str | Path) -> list[str]:
        program, *options = self.shell
        return [str(shutil.which(program)), *options, str(bundle), *map(str, arguments)]

    def run(self, bundle: Path | str, *arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ended:
        environment = {**self.environment, **variables}
        done = subprocess.run(
            self.command(bundle, *arguments), env=environment, cwd=cwd, capture_output=True, text=True, check=False
        )
        return Ended(done.returncode, done.stdout + done.stderr)

    def install(self, bundle: Path, folder: Path, *options: str | Path) -> str:
        """Run a bundle that has to succeed and to leave nothing in the temporary folder."""
        done = self.run(bundle, folder, *options)
        assert done.status == 0, done.output
        assert [*self.temporary.iterdir()] == []
        return done.output


def make_machine(folder: Path, shell: str) -> Machine:
    """A machine with one of `SHELLS`; the programs are those of busybox where it is the shell."""
    made = Machine(SHELLS[shell], folder)
    made.temporary.mkdir(parents=True)
    programs = folder / "bin"
    programs.mkdir()
    for tool in TOOLS:
        place = shutil.which("busybox" if shell == "busybox" else tool)
        assert place is not None
        (programs / tool).symlink_to(os.path.realpath(place))
    return made
