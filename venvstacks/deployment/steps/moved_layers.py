"""Installed layers where their deployment was moved: what names their folder is recognised, and written again."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from venvstacks._injected import postinstall
from venvstacks.deployment.state import Generation
from venvstacks.deployment.steps.deploy_failures import reading
from venvstacks.deployment.steps.place import Place
from venvstacks.errors import DeployError, UnreadableError
from venvstacks.linking.chain import PTH_NAME
from venvstacks.model.conventions import LAYER_CONFIG
from venvstacks.tools.files import read_regular

_NAMES_FOLDER = "pyvenv.cfg"
_LONGEST = 1 << 16
_FIRST_BOUND = (3, 14)  # of Python


def mend_moved(place: Place, generations: Iterable[Generation]) -> None:
    """Write the generated files of these generations' layers again where they were written for another folder.

    What is damaged or cannot be written is left to those who need it. The caller holds the lock of the deployment.
    """
    for id_, target in {one.id: one.target for generation in generations for one in generation.instances}.items():
        folder = place.instance(id_, target)
        with contextlib.suppress(postinstall.PostInstallError, DeployError, OSError):
            here = f" = {folder.parent}{os.sep}".encode()
            if here not in read_regular(folder / _NAMES_FOLDER):  # runtimes have none
                write_generated_files(folder)


def names_another_folder(file: Path, text: str, root: Path) -> bool:
    """Whether a file holds `text` with another folder in place of the deployment's folder `root`."""
    name = str(root) if str(root) in text else ascii(str(root))[1:-1]  # as `sitecustomize.py` has it
    first, *rest = text.split(name)
    if not rest:
        return False
    pattern = re.escape(first) + "(.+)" + "\\1".join(map(re.escape, rest))
    try:
        found = read_regular(file).decode("utf-8")
        return len(found) < _LONGEST and re.fullmatch(pattern, found) is not None
    except (OSError, UnicodeDecodeError):
        return False


def layer_config(folder: Path) -> dict[str, Any]:
    """The description of the layer in `folder`; a FIFO in its place is refused, not read.

    Raises:
        PostInstallError: It is missing or wrong.
    """
    try:
        read_regular(folder / LAYER_CONFIG)
    except OSError as error:
        raise postinstall.PostInstallError(f"cannot read {folder / LAYER_CONFIG}: {error.strerror or error}") from error
    config = postinstall.load_layer_config(folder)
    if not re.match(r"[0-9]{1,9}[.][0-9]{1,9}([.]|$)", config["py_version"]):
        raise postinstall.PostInstallError(
            f"{folder / LAYER_CONFIG}: 'py_version' is not a version: {config['py_version']!r}"
        )
    return config


def python_home(folder: Path, config: Mapping[str, Any]) -> Path | None:
    """The `PYTHONHOME` with which a layer's Python starts although its generated files name another folder.

    None where there is none: on Windows, for layers of earlier versions, whose `sitecustomize.py` has such a path as
    well, and from Python 3.14 on, whose `site` takes that variable's value for the layer's own folder, too.

    Args:
        folder: The layer.
        config: Its description.
    """
    major, minor = (int(part) for part in config["py_version"].split(".")[:2])
    chained = not config["pylib_dirs"] or (folder / config["site_dir"] / PTH_NAME).exists()
    programs = Path(os.path.normpath(folder / config["base_python"])).parent
    if programs.name != "bin" or not chained or (major, minor) >= _FIRST_BOUND:
        return None
    return programs.parent


def write_generated_files(folder: Path) -> None:
    """Write the layer's generated files again if they were written for another folder.

    Raises:
        PostInstallError: The layer is damaged, or they cannot be written.
        UnreadableError: This user may not read the layer.
    """
    _check_readable(folder / postinstall.LAYER_CONFIG)
    config = layer_config(folder)
    for generated in ("pyvenv.cfg", f"{config['site_dir']}/sitecustomize.py"):
        _check_readable(folder / generated)
    postinstall.write_generated_files(folder)


def _check_readable(file: Path) -> None:
    """Check that a file can be read, or is missing.

    Raises:
        UnreadableError: This user may not read it, or it is not a regular file.
    """
    try:
        with reading(file):
            read_regular(file)
    except UnreadableError as error:
        if not isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            raise
