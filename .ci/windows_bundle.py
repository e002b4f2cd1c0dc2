"""A bundle for Windows from its zip archive to a started launcher, with Windows' own command interpreter.

Nothing of this project is on that machine then: the bundle's Python installs. It runs without `sitecustomize`, so that
what Wine lacks is added to the unpacked Python itself. Wine's interpreter reads command files in the console's old
encoding whatever `chcp` says, so that the deployment's path, which launchers hold, has letters of ASCII alone.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from emulated_machine import Ended
from tried_stack import Project, fail, here, say
from wine_machine import Machine, windows_path


def bundle(machine: Machine, project: Project, expected: str) -> None:
    """Bundle the published application; unpack, install and start it on the machine.

    Args:
        machine: The machine.
        project: The project, which is published.
        expected: What the application prints.
    """
    begun = time.monotonic()
    archive, unpacked = machine.folder / "frog.zip", machine.folder / "bundle ü 日本"
    here(project.folder, "bundle", "_artifacts", "--output", str(archive), "--platform", project.platform.name)
    shutil.unpack_archive(archive, unpacked)
    _add_junctions(unpacked / "runtime/Lib")
    installed, launchers = machine.folder / "installed here", machine.folder / "launchers ü 日本"
    _run(machine, "install.cmd", windows_path(installed), "--launchers", windows_path(launchers), cwd=unpacked)
    started = _run(machine, "frog.cmd", "a b", cwd=launchers)
    if expected not in started.output:
        fail(f"the launcher of a bundle's application prints: {started.output}")
    say(f"{time.monotonic() - begun:5.1f} s  a bundle: unpacked, installed by install.cmd, and started by its launcher")


def _run(machine: Machine, *command: str, cwd: Path) -> Ended:
    done = machine.run("cmd", "/c", *command, cwd=cwd, PYTHONPATH="", PYTHONPYCACHEPREFIX="")
    if done.status:
        fail(f"`{' '.join(command)}` under Wine, exit status {done.status}:\n{done.output}")
    return done


def _add_junctions(library: Path) -> None:
    shutil.copyfile(Path(__file__).with_name("wine_junctions.py"), library / "wine_junctions.py")
    with (library / "shutil.py").open("a", encoding="utf-8") as stream:
        stream.write("\nimport wine_junctions\n")
