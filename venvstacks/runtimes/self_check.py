"""The final check of a relocated Python: what it reports about itself, and which files it loads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from venvstacks.errors import ProcessFailedError, RuntimeUnavailableError
from venvstacks.runtimes.provider_request import RuntimeTools

_MODULES = (
    *("_tkinter", "bz2", "ctypes", "curses", "dbm", "decimal", "hashlib", "lzma", "multiprocessing", "readline"),
    *("socket", "sqlite3", "ssl", "uuid", "venv", "xml.parsers.expat", "zlib", "zoneinfo"),
)
"""Modules that need shared libraries, or that are most likely to be missing from an incomplete copy."""

_FACTS = Path(__file__).with_name("interpreter_facts.py")


@dataclass(frozen=True)
class Facts:
    """What an interpreter reports about itself.

    Attributes:
        version: `X.Y.Z`.
        traits: Texts and flags that are compiled in, which relocation must not change.
        prefix: `sys.prefix`.
        packages: The folder that packages are installed into.
        config: `sysconfig`'s variables that are text.
        modules: Which of the requested modules can be imported.
        mapped: Files that it has mapped into its memory after importing them (Linux; empty on other systems).
    """

    version: str
    traits: tuple[str, ...]
    prefix: str
    packages: str
    config: dict[str, str]
    modules: tuple[str, ...]
    mapped: tuple[str, ...]


def read_facts(executable: Path, tools: RuntimeTools) -> Facts:
    """Start an interpreter, isolated and without writing bytecode, and read what it reports.

    Raises:
        RuntimeUnavailableError: It does not start, or does not answer.
    """
    command: list[str | Path] = [executable, "-I", "-B", "-W", "ignore", _FACTS, *_MODULES]
    try:
        answer = json.loads(tools.processes.run(command, env=tools.child_environment, log=tools.log).stdout)
    except (ProcessFailedError, ValueError) as error:
        raise RuntimeUnavailableError(
            f"{executable} does not start properly", details=tuple(str(error).splitlines())
        ) from error
    return Facts(
        version=answer["version"],
        traits=tuple(answer["traits"]),
        prefix=answer["prefix"],
        packages=answer["packages"],
        config=answer["config"],
        modules=tuple(answer["modules"]),
        mapped=tuple(answer["mapped"]),
    )


def faults(copy: Facts, tree: Path, version: str, original: Facts | None = None) -> tuple[str, ...]:
    """Faults of the runtime in `tree`, which reported `copy`; empty if it has none.

    Args:
        copy: What it reports.
        tree: Its folder.
        version: The wanted version, `X.Y.Z`.
        original: What the installation that it was copied from reports; None if it was not copied.
    """
    root = tree.resolve()
    found = []
    if copy.version != version:
        found.append(f"it is version {copy.version}, not {version}")
    if Path(copy.prefix).resolve() != root:
        found.append(f"sys.prefix is {copy.prefix}")
    if Path(copy.packages).name != "site-packages":
        found.append(f"a distribution changed it: packages go into {Path(copy.packages).name}, not into site-packages")
    found += [
        f"it loads {path} from outside"
        for path in copy.mapped
        if Path(path).name.startswith("libpython") and not Path(path).is_relative_to(root)
    ]
    return (*found, *(_leftovers(copy, original) if original else ()))


def _leftovers(copy: Facts, original: Facts) -> list[str]:
    """What a copy lacks of its original, and where it still uses the original's folder."""
    place = Path(original.prefix).resolve()
    found = [f"module {name} cannot be imported any more" for name in original.modules if name not in copy.modules]
    found += [
        f"it says {new!r} where the original says {old!r}"
        for old, new in zip(original.traits, copy.traits, strict=True)
        if old != new
    ]
    if is_shared_prefix(str(place)):
        return found
    found += [f"it loads {path} from outside" for path in copy.mapped if Path(path).is_relative_to(place)]
    mentions = sorted(name for name, value in copy.config.items() if str(place) in value)
    return found + [f"sysconfig's {name} names the old prefix" for name in mentions]


def is_shared_prefix(prefix: str) -> bool:
    """Whether a prefix is a system folder, which holds other programs too, so that mentions of it prove nothing."""
    return prefix in {"/", "/usr", "/usr/local"}


def check_runtime(
    tree: Path, executable: str, version: str, tools: RuntimeTools, original: Facts | None = None
) -> Facts:
    """Start the runtime in `tree` and check that it is the wanted Python and uses no file of its original.

    Args:
        tree: The runtime's folder.
        executable: Its interpreter, relative to that folder.
        version: The wanted version, `X.Y.Z`.
        tools: What to work with.
        original: As in `faults`.

    Raises:
        RuntimeUnavailableError: It is not; the details list the faults.
    """
    facts = read_facts(tree / executable, tools)
    found = faults(facts, tree, version, original)
    if found:
        raise RuntimeUnavailableError(
            "the relocated Python is not in order",
            details=found,
            hint="use the provider 'standalone' or 'archive', or report this with the layout of that installation",
        )
    return facts
