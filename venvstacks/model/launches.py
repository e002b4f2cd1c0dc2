"""Launch targets of applications that are packages: modules and entry points of installed distributions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from venvstacks.model.tables import RefusedValueError

_NAME = r"[^\W\d]\w*"
_MODULE = re.compile(rf"{_NAME}(\.{_NAME})*")
_TARGET = re.compile(rf"({_MODULE.pattern})(:{_MODULE.pattern})?")
_NAMED_AS_ITS_SCRIPT = """\
if __name__ == "__main__":  # programs show their own name, and some start themselves by it
    script = os.path.join(os.path.dirname(sys.executable), "{}")
    sys.argv[0] = next(filter(os.path.isfile, (script, script + ".exe")), sys.argv[0])
"""
_LAUNCH_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Launch:
    """One way to start an application.

    Attributes:
        name: Its name: the application's, or one that the specification gives it.
        target: `package.module` or `package.module:function`.
    """

    name: str
    target: str

    @property
    def function(self) -> str | None:
        """What of the module is called; None where the module itself is run."""
        return self.target.partition(":")[2] or None

    @property
    def module(self) -> str:
        """The module that `python -m` runs: for a function, one that is written when the layer is built."""
        return f"_launch_{re.sub('[^a-zA-Z0-9]', '_', self.name)}" if self.function else self.target

    @property
    def text(self) -> str:
        """The module that calls the function, as console scripts do."""
        module, _, function = self.target.partition(":")
        first = function.partition(".")[0]
        return (
            f'"""Starts {self.target}."""\n\nimport os\nimport sys\n\n{_NAMED_AS_ITS_SCRIPT.format(self.name)}\n'
            f'from {module} import {first}\n\nif __name__ == "__main__":\n    sys.exit({function}())\n'
        )


def check_launch(value: str | dict[str, str] | None) -> str | dict[str, str] | None:
    """See that launch targets have the form of entry points.

    Raises:
        RefusedValueError: One has another.
    """
    table = {"": value} if isinstance(value, str) else value
    for name, target in (table or {}).items():
        if name and not _LAUNCH_NAME.fullmatch(name):
            raise RefusedValueError(f"'{name}' cannot name a launch target", "use letters, digits, '.', '_' and '-'")
        if not _TARGET.fullmatch(target):
            raise RefusedValueError(
                f"'{target}' is neither a module nor an entry point",
                "write 'package.module' or 'package.module:function'",
            )
    modules = [Launch(name, target).module for name, target in (table or {}).items() if ":" in target]
    if len(set(modules)) < len(modules):
        raise RefusedValueError("two launch names differ only in '.', '_' and '-'", "rename one of them")
    if table == {}:
        raise RefusedValueError("'launch' names no target", "name at least one, or use 'launch_module'")
    return value


def launches(application: str, launch: str | Mapping[str, str] | None, launch_module: str | None) -> tuple[Launch, ...]:
    """The launch targets of an application, the first of which starts it where no name is given.

    Args:
        application: Its name.
        launch: `launch` of the specification.
        launch_module: The module of a package that `launch_module` names, where it names no file.
    """
    if isinstance(launch, str):
        return (Launch(application, launch),)
    if launch is not None:
        return tuple(Launch(name, target) for name, target in launch.items())
    return (Launch(application, launch_module),) if launch_module else ()


def names_module(path: str) -> bool:
    """Whether `launch_module` may be a module of a package (`desk.cli`) rather than a path."""
    return "." in path and not path.endswith(".py") and _MODULE.fullmatch(path) is not None
