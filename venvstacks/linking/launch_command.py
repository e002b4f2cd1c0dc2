"""The command that starts an application's module without imports from the caller's folder."""

from __future__ import annotations

from collections.abc import Mapping

_FIRST_WITH_SAFE_PATH = (3, 11)
_REDIRECTING = ("PYTHONPATH", "PYTHONHOME")


def launch_options(py_version: str, module: str, *, isolated: bool = True) -> list[str]:
    """The arguments of a Python that runs `module` as `python -m` does.

    `-m` alone puts the current folder first on `sys.path`: a `types.py` or `pandas.py` that happens to be there would
    be imported instead of the installed one. (`-I` would also ignore the user's other `PYTHON*` variables, and
    `PYTHONSAFEPATH` would change every Python that the application starts.)

    Args:
        py_version: Version of that Python, `X.Y` or longer.
        module: The module.
        isolated: Whether to leave the current folder out of `sys.path`.
    """
    if not isolated:
        return ["-m", module]
    major, minor = (int(part) for part in py_version.split(".")[:2])
    if (major, minor) >= _FIRST_WITH_SAFE_PATH:
        return ["-P", "-m", module]
    return ["-c", f"import sys; del sys.path[0]; import runpy; runpy._run_module_as_main({module!r})"]


def launch_environment(variables: Mapping[str, str], *, isolated: bool = True) -> dict[str, str]:
    """The environment variables of an application: the caller's, without those that redirect a Python's imports."""
    return {name: value for name, value in variables.items() if not (isolated and name in _REDIRECTING)}
