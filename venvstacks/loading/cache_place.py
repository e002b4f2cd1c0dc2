"""The folder of the cache, for commands that need no project: the specification only matters if it names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from venvstacks.loading.configure import cache_folder
from venvstacks.loading.options import Options
from venvstacks.loading.remote_cache import SECRET_VARIABLE
from venvstacks.loading.specification_files import read_text
from venvstacks.model.draft import parse_draft
from venvstacks.model.specification import ToolSettings
from venvstacks.tools.seals import seal_key


def find_cache(specification: Path | None, environment: Mapping[str, str] | None = None) -> tuple[Path, bytes]:
    """The cache folder, and the key that entries there are sealed with.

    Args:
        specification: The specification whose settings count, if there is one.
        environment: Environment variables; None for this process's.

    Raises:
        SpecificationError: It is wrong.
    """
    environment = dict(os.environ) if environment is None else environment
    settings, base = ToolSettings(), Path.cwd() if specification is None else specification.absolute().parent
    if specification is not None:
        settings = parse_draft(read_text(specification, specification.name), specification.name).settings
    folder = cache_folder(base, Options(), settings, environment)
    return folder, seal_key(environment, folder)


def signing_secret(environment: Mapping[str, str] | None = None) -> bytes | None:
    """The key that shared results are signed with, from the environment; None if there is none."""
    text = (os.environ if environment is None else environment).get(SECRET_VARIABLE, "")
    return text.encode("utf-8", "surrogateescape") if text else None
