"""The packages that verify signatures on Python 3.9, for which the newest ones are too new.

They are the last releases for that Python, and verify what newer ones have signed. uv fetches them from the index that
the user has chosen for it; their SHA-256 sums are part of this program, so that it does not matter which one that is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from venvstacks.archives.write_failures import not_written
from venvstacks.bundling.verifying_packages import VerifyingPackages, installed_packages
from venvstacks.errors import PublishError
from venvstacks.tools.files import staging_folder
from venvstacks.tools.process import Processes
from venvstacks.tools.uv import find_uv
from venvstacks.tools.uv_failures import explain_failure

PINS = (
    "tuf==6.0.0 --hash=sha256:458f663a233d95cc76dde0e1a3d01796516a05ce2781fefafebe037f7729601a",
    "securesystemslib==1.3.1 --hash=sha256:2e5414bbdde33155a91805b295cbedc4ae3f12b48dccc63e1089093537f43c81",
)
"""Requirements with the digests of their wheels."""

OLDEST = 9
"""The minor version of Python 3 that they are for."""

_PYTHON = f"3.{OLDEST}"


def older_packages(scratch: Path, environment: Mapping[str, str], processes: Processes) -> VerifyingPackages:
    """The packages for Python 3.9.

    Args:
        scratch: A folder for unpacked files.
        environment: The environment variables of this program; those of uv choose index, cache and network.
        processes: Starts uv.

    Raises:
        PublishError: They cannot be fetched, or the folder cannot be written to.
        MissingToolError: There is no uv.
        ProcessFailedError: uv cannot be started.
    """
    with not_written(scratch), staging_folder(scratch, ".packages") as folder:
        requirements = folder / "requirements.txt"
        requirements.write_text("\n".join(PINS), encoding="utf-8")
        argv: list[str | Path] = [
            find_uv(), "pip", "install", "--requirements", requirements, "--no-deps", "--only-binary", ":all:",
            "--require-hashes", "--target", folder / "packages", "--python", sys.executable, "--python-version",
            _PYTHON, "--no-python-downloads", "--color", "never",
        ]  # fmt: skip
        done = processes.run(argv, env={**environment, "UV_NO_PROGRESS": "1"}, cwd=folder, check=False)
        if done.returncode:
            raise PublishError(
                f"the packages that verify signatures on Python {_PYTHON} cannot be fetched",
                details=explain_failure(done.stdout + done.stderr).explanation,
                hint="do it with a network once; a deployer can be made without them by --oldest-python 3.10",
            )
        return installed_packages(folder / "packages")
