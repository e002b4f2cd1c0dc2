r"""Relocatable launchers of console and GUI scripts, as text and bytes.

POSIX: one file that is a shell script first and a Python script then. `''''` is two empty words to a shell and the
start of a string to Python. The shell follows links from the name that it was called by until it is in the folder of a
layer's executables, and becomes the Python there. So a link in a layer above, which is part of its overlay, starts that
layer's Python, and a link in a user's folder starts the layer that it leads to.

Windows: an `.exe` of distlib (`t64.exe`, `w64.exe` for GUI scripts), the line that names the interpreter, and a zip
file with the script. `<launcher_dir>` means the folder of the `.exe`.
"""

from __future__ import annotations

import re

_HEADER = """\
#!/bin/sh
'''':
venvstacks_self=$0
while :; do
    case $venvstacks_self in
    */*) venvstacks_here=${venvstacks_self%/*} ;;
    *) venvstacks_here=. ;;
    esac
    [ -e "$venvstacks_here/../share/venv/metadata/venvstacks_layer.json" ] && break
    [ -h "$venvstacks_self" ] || break
    venvstacks_link=$(readlink "$venvstacks_self" && echo .) || exit 126
    venvstacks_link=${venvstacks_link%??}
    case $venvstacks_link in
    /*) venvstacks_self=$venvstacks_link ;;
    *) venvstacks_self=$venvstacks_here/$venvstacks_link ;;
    esac
done
exec "$venvstacks_here/@PYTHON@" "$0" "$@"
'''
"""

# What installers write when a path is too long for a shebang, or holds spaces (distlib's form).
_LONG_SHEBANG = re.compile(rb"#!/bin/sh\n'''exec' (.*?) \"\$0\" \"\$@\"\n' '''\n")
_SHEBANG = re.compile(rb"#!([^\n]*)\n")


def console_script(module: str, function: str, python: str) -> str:
    """The script of an entry point.

    Args:
        module: The module to import.
        function: What to call in it; may have dots.
        python: Path of the interpreter, relative to the folder of the script.
    """
    return posix_header(python) + _script(module, function)


def posix_header(python: str) -> str:
    """What a Python script begins with in place of its shebang line; `python` as for `console_script`."""
    return _HEADER.replace("@PYTHON@", python)


def windows_script(module: str, function: str) -> str:
    """What `__main__.py` in a launcher for Windows holds."""
    without_suffix = '    sys.argv[0] = sys.argv[0][:-4] if sys.argv[0].endswith(".exe") else sys.argv[0]\n'
    return _script(module, function, without_suffix)


def windows_shebang(python: str) -> bytes:
    r"""The line between the program and the zip file; `python` is relative to its folder, with backslashes."""
    return f'#!"<launcher_dir>\\{python}"\r\n'.encode()


def _script(module: str, function: str, preparation: str = "") -> str:
    first = function.partition(".")[0]
    return (
        f"import sys\n\nfrom {module} import {first}\n\n"
        f'if __name__ == "__main__":\n{preparation}    sys.exit({function}())\n'
    )


def split_shebang(content: bytes) -> tuple[str, bytes] | None:
    """The command in a script's first line or lines, and what follows them; None if the file is no script."""
    match = _LONG_SHEBANG.match(content) or _SHEBANG.match(content)
    return (match[1].decode("utf-8", "replace").strip().strip("'\""), content[match.end() :]) if match else None


def names_python_in(command: str, folder: str) -> bool:
    """Whether the command of a shebang line is a Python in `folder`, or the placeholder for it that wheels hold."""
    return f"{folder}/python" in command or bool(re.match(r"pythonw?(\s|$)", command))
