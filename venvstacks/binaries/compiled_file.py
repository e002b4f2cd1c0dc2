"""What the headers of one compiled file state: its processor, the oldest system that it runs on, what it needs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CompiledFile:
    """A compiled file of the target's format.

    Attributes:
        processors: The processors that it holds code for, in the words of target platforms: `x86_64`, `arm64`.
        needed: The libraries that it cannot be loaded without, as the file names them.
        system: The oldest version of glibc, macOS or Windows that it runs on; empty if it does not say.
    """

    processors: tuple[str, ...]
    needed: tuple[str, ...] = ()
    system: tuple[int, ...] = ()
