r"""The text of `bin/python` in an environment that needs shared libraries of layers below.

A wheel's extension module finds libraries of its own package through a run path; those of a package in another layer
it cannot know. The dynamic linker reads its extra folders from a variable when a process starts, so that variable
must be set before Python is: by a shell script that then becomes the interpreter beside it.

The script works in any POSIX shell (tried: dash, bash, busybox, zsh) and starts no process unless it was called through
a symbolic link. It keeps to these rules:

- Its folders come after those that the variable names already, and each only once, so that nested starts add nothing.
- An empty entry would mean the current folder, whoever can write there; it never adds one. For the same reason it adds
  nothing if its own place has a `:` or `;` in its name, at which the dynamic linker would cut (post-install says so).
- The `..` in its folders stay: only the system knows where they lead if a folder on the way is a link.
- Its own variables have names that nobody else exports, since an exported variable of that name would be changed.

Two things are the shells' own: dash and busybox hand on no variables whose names are no identifiers (`a.b`), and macOS
removes `DYLD_*` from the environment of its own `/bin/sh`: there, entries of the caller are gone before this
script starts.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

_SCRIPT = """\
#!/bin/sh
# Written by venvstacks: starts the interpreter beside this file so that it finds the layers' shared libraries.
case $0 in
/*) venvstacks_self=$0 ;;
./*) venvstacks_self=${PWD%/}/${0#./} ;;
*/*) venvstacks_self=${PWD%/}/$0 ;;
*) venvstacks_self=${PWD%/}/$0; [ -e "$venvstacks_self" ] || venvstacks_self=$(command -v "$0") ;;
esac
while [ -h "$venvstacks_self" ]; do
    venvstacks_link=$(readlink "$venvstacks_self" && echo .) || exit 126
    venvstacks_link=${venvstacks_link%??}
    case $venvstacks_link in
    /*) venvstacks_self=$venvstacks_link ;;
    *) venvstacks_self=${venvstacks_self%/*}/$venvstacks_link ;;
    esac
done
venvstacks_here=${venvstacks_self%/*}
for venvstacks_dir in @FOLDERS@; do
    venvstacks_dir=$venvstacks_here/$venvstacks_dir
    case :${@VARIABLE@-}: in
    *:"$venvstacks_dir":*) continue ;;
    esac
    case $venvstacks_dir in
    *:* | *\\;*) ;;
    *) @VARIABLE@=${@VARIABLE@:+${@VARIABLE@}:}$venvstacks_dir ;;
    esac
done
export @VARIABLE@
exec "$venvstacks_here"/@INTERPRETER@ "$@"
"""


def needs_wrapper(dynlib_dirs: Sequence[str]) -> bool:
    """Whether an environment with these `dynlib_dirs` gets the wrapper; else `bin/python` links to the interpreter.

    The rule: a wrapper only where a layer below publishes a library. It costs about a millisecond at every start, and
    most applications of a stack without such libraries need none. A lower layer that publishes its first library, or
    no more any, changes `dynlib_dirs` in the layers above anyway; any other change below leaves their bytes alone.
    """
    return bool(dynlib_dirs)


def wrapper_text(variable: str, interpreter: str, folders: Sequence[str]) -> str:
    """The script, to be written as UTF-8 with the executable bit.

    Args:
        variable: `LD_LIBRARY_PATH` or `DYLD_LIBRARY_PATH` (`TargetPlatform.dynamic_library_variable`).
        interpreter: File name of the real interpreter in the script's own folder, e.g. `python3.11`.
        folders: Folders of libraries relative to the script's own folder, e.g. `../../framework-x/share/venv/dynlib`,
            in the order of searching.

    Raises:
        ValueError: There are no folders (then no wrapper is wanted), or one is absolute.
    """
    if not folders or any(folder.startswith("/") for folder in folders):
        raise ValueError(f"a wrapper needs relative folders, not {list(folders)}")
    words = " ".join(shlex.quote(folder) for folder in folders)
    script = _SCRIPT.replace("@VARIABLE@", variable)
    return script.replace("@INTERPRETER@", shlex.quote(interpreter)).replace("@FOLDERS@", words)
