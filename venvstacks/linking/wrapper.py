r"""The text of `bin/python` in an environment that needs a shared library of a layer below by its name alone.

Run paths lead an extension module to libraries in layers below, through the links of the overlay. A library that no
run path leads to can only be found in a folder that a variable names. The dynamic linker reads it when a process
starts, so it must be set before Python is: by a shell script that then becomes the interpreter. That folder holds links
to the libraries concerned, and no others: every name in it takes precedence over run paths.

The script works in any POSIX shell (tried: dash, bash, busybox, zsh) and starts no process unless it was called through
a symbolic link or a path that ends in dots. It keeps to these rules:

- Its folder comes after those that the variable names already, and only once, so that nested starts add nothing.
- An empty entry would mean the current folder, to which others may be able to write; it never adds one. For the same
  reason it adds nothing if its own folder has a `:` or `;` in its name, at which the dynamic linker would cut
  (post-install refuses such places).
- The folder that it has added is in VENVSTACKS_LIBRARY_PATH. `_venvstacks_layers` removes both at start-up, so that
  programs that the application starts see the user's variable.
- Its own variables have names that nobody else exports, since an exported variable of that name would be changed.

Two limits are those of the shells: dash and busybox do not pass on variables whose names are no identifiers (`a.b`),
and macOS removes `DYLD_*` from the environment of its own `/bin/sh`: there, entries of the caller are removed before
this script starts.
"""

from __future__ import annotations

import shlex

_SCRIPT = """\
#!/bin/sh
# Written by venvstacks: starts the interpreter so that it finds shared libraries of the layers below.
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
case $venvstacks_here in
*/. | */..) venvstacks_here=$(cd "$venvstacks_here" && pwd && echo .) && venvstacks_here=${venvstacks_here%??} ;;
esac
venvstacks_here=${venvstacks_here%/*}
venvstacks_dir=$venvstacks_here/@FOLDER@
case $venvstacks_dir in
*:* | *\\;*) ;;
*)
    case :${@VARIABLE@-}: in
    *:"$venvstacks_dir":*) ;;
    *) @VARIABLE@=${@VARIABLE@:+${@VARIABLE@}:}$venvstacks_dir ;;
    esac
    ;;
esac
export @VARIABLE@
VENVSTACKS_LIBRARY_PATH=$venvstacks_dir
export VENVSTACKS_LIBRARY_PATH
exec "$venvstacks_here"/@INTERPRETER@ "$@"
"""


_ADDS = "*) @VARIABLE@=${@VARIABLE@:+${@VARIABLE@}:}$venvstacks_dir ;;"
_ADDS_TO_DEFAULT = """\
*) if [ -n "${@VARIABLE@-}" ]; then
            @VARIABLE@=$@VARIABLE@:$venvstacks_dir
        else
            @VARIABLE@=$venvstacks_dir:@DEFAULT@
        fi ;;"""
_DEFAULTS = {"DYLD_FALLBACK_LIBRARY_PATH": "/usr/local/lib:/usr/lib"}
"""What a variable stands for where it is not set, by the manual page dyld(1); a value of our own would hide that."""


def wrapper_text(variable: str, interpreter: str, folder: str) -> str:
    """The script, to be written as UTF-8 with the executable bit.

    Args:
        variable: `LD_LIBRARY_PATH` or `DYLD_FALLBACK_LIBRARY_PATH` (`TargetPlatform.dynamic_library_variable`).
        interpreter: The real interpreter, relative to the layer's folder, e.g. `libexec/python3.11`.
        folder: The folder of libraries, relative to the layer's folder.

    Raises:
        ValueError: A path is absolute.
    """
    if folder.startswith("/") or interpreter.startswith("/"):
        raise ValueError(f"a wrapper needs relative paths, not {interpreter} and {folder}")
    script = _SCRIPT
    if default := _DEFAULTS.get(variable):
        script = script.replace(_ADDS, _ADDS_TO_DEFAULT.replace("@DEFAULT@", default))
    script = script.replace("@VARIABLE@", variable)
    return script.replace("@INTERPRETER@", shlex.quote(interpreter)).replace("@FOLDER@", shlex.quote(folder))
