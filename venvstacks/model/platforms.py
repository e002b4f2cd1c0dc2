"""Target platforms and Python implementations as values.

All differences between Linux, macOS and Windows are methods of a `TargetPlatform`, never of the machine that this
program runs on, so that every layout can be computed, and tested, anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

OperatingSystem = Literal["linux", "macosx", "win"]


@dataclass(frozen=True, order=True)
class TargetPlatform:
    """One of the six platforms that layers are locked, built and published for.

    Attributes:
        name: As it is written in specifications and published metadata, e.g. `linux_x86_64`.
        system: The operating system part of the name.
        machine: The processor part of the name, e.g. `x86_64`.
    """

    name: str
    system: OperatingSystem
    machine: str

    @property
    def is_windows(self) -> bool:
        """Whether environments have Windows' layout (`Scripts`, `Lib`, no symbolic links)."""
        return self.system == "win"

    @property
    def dynamic_library_variable(self) -> str | None:
        """The variable that names extra folders of shared libraries; None where there is none (Windows).

        On macOS it is the one that is read where a library is not found in its own place. `DYLD_LIBRARY_PATH` comes
        before that place: packages would get other packages' libraries of the same name.
        """
        return {"linux": "LD_LIBRARY_PATH", "macosx": "DYLD_FALLBACK_LIBRARY_PATH", "win": None}[self.system]

    @property
    def platform_machine(self) -> str:
        """The value of `platform.machine()` on this platform."""
        return self.machine.upper() if self.is_windows else self.machine

    @property
    def sys_platform(self) -> str:
        """The value of `sys.platform` on this platform."""
        return {"linux": "linux", "macosx": "darwin", "win": "win32"}[self.system]

    @property
    def marker(self) -> str:
        """An environment marker (PEP 508) that holds on this target platform and on none of the other five."""
        return f"sys_platform == '{self.sys_platform}' and platform_machine == '{self.platform_machine}'"

    def marker_environment(self, python: PythonImplementation) -> dict[str, str]:
        """The values of all PEP 508 marker variables for `python` on this platform.

        `platform_release` and `platform_version` depend on the single machine; they are empty.
        """
        return {
            "implementation_name": python.name,
            "implementation_version": python.version,
            "os_name": "nt" if self.is_windows else "posix",
            "platform_machine": self.platform_machine,
            "platform_python_implementation": {"cpython": "CPython", "pypy": "PyPy"}[python.name],
            "platform_release": "",
            "platform_system": {"linux": "Linux", "macosx": "Darwin", "win": "Windows"}[self.system],
            "platform_version": "",
            "python_full_version": python.version,
            "python_version": python.short_version,
            "sys_platform": self.sys_platform,
        }

    def uv_platform(self, glibc: str) -> str:
        """The value of uv's `--python-platform`; `glibc` (`X.Y`) counts on Linux only.

        uv knows some versions of glibc only (seen with uv 0.13): of the others, the next lower one that it knows is
        used, so that every wheel that is chosen fits.

        The oldest macOS is not part of it: uv takes that from `MACOSX_DEPLOYMENT_TARGET`.
        """
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(self.machine, self.machine)
        if self.system == "linux":
            return f"{machine}-manylinux_2_{_known_glibc(glibc)}"
        return f"{machine}-apple-darwin" if self.system == "macosx" else f"{machine}-pc-windows-msvc"


_KNOWN_GLIBC = (17, 28, *range(31, 41))
"""Minor versions of glibc 2 for which uv has a platform."""


def _known_glibc(glibc: str) -> int:
    minor = int(glibc.partition(".")[2])
    return max((known for known in _KNOWN_GLIBC if known <= minor), default=minor)


PLATFORMS: dict[str, TargetPlatform] = {
    target.name: target
    for target in (
        TargetPlatform("win_amd64", "win", "amd64"),
        TargetPlatform("win_arm64", "win", "arm64"),
        TargetPlatform("linux_x86_64", "linux", "x86_64"),
        TargetPlatform("linux_aarch64", "linux", "aarch64"),
        TargetPlatform("macosx_arm64", "macosx", "arm64"),
        TargetPlatform("macosx_x86_64", "macosx", "x86_64"),
    )
}
"""All known target platforms by name, in the order in which they are listed and locked."""


def named_platform(name: str) -> TargetPlatform:
    """The target platform of a name.

    Raises:
        UsageError: There is none.
    """
    if name not in PLATFORMS:
        from venvstacks.errors import UsageError  # noqa: PLC0415 - for a mistake alone
        from venvstacks.suggestions import suggestion  # noqa: PLC0415

        hint = suggestion(name, PLATFORMS, otherwise=f"known are {', '.join(PLATFORMS)}")
        raise UsageError(f"'{name}' is not a target platform", hint=hint)
    return PLATFORMS[name]


def identify_platform(sys_platform: str, platform_machine: str) -> TargetPlatform | None:
    """The target platform of a machine with these values of `sys.platform` and `platform.machine()`, if it is one."""
    machine = platform_machine.lower()
    for target in PLATFORMS.values():
        if (target.sys_platform, target.platform_machine.lower()) == (sys_platform, machine):
            return target
    return None


_N = "[0-9]{1,4}"  # Python refuses to read numbers of thousands of digits
_IMPLEMENTATION = re.compile(rf"(?P<name>cpython|pypy)@(?P<version>{_N}\.{_N}\.{_N}((a|b|rc){_N})?)")
_SERIES = re.compile(rf"(?P<name>cpython|pypy)@(?P<version>{_N}\.{_N})(\.x)?")


@dataclass(frozen=True, order=True)
class PythonImplementation:
    """An exact Python: `cpython@3.11.7`.

    Attributes:
        name: `cpython` or `pypy`.
        version: `X.Y.Z`, or that of a pre-release such as `3.14.0b1`.
    """

    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> PythonImplementation:
        """Read `cpython@X.Y.Z` or `pypy@X.Y.Z`.

        Raises:
            ValueError: It is neither.
        """
        match = _IMPLEMENTATION.fullmatch(text)
        if match is None:
            raise ValueError(f"'{text}' is not of the form 'cpython@X.Y.Z' or 'pypy@X.Y.Z'")
        return cls(match["name"], match["version"])

    @classmethod
    def parse_series(cls, text: str) -> PythonImplementation | None:
        """`cpython@X.Y` as it is meant by `cpython@X.Y` or `cpython@X.Y.x`; None where `text` names no series."""
        match = _SERIES.fullmatch(text)
        return cls(match["name"], match["version"]) if match else None

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def is_of(self, series: PythonImplementation) -> bool:
        """Whether this exact Python is a final release of `series`."""
        return self.name == series.name and re.fullmatch(rf"{re.escape(series.version)}\.\d+", self.version) is not None

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version, which sort final releases of one series."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version))

    @property
    def short_version(self) -> str:
        """`X.Y`."""
        return self.version.rpartition(".")[0]

    @property
    def versioned_name(self) -> str:
        """Name of the interpreter's file on Linux and macOS, and of its folder below `lib`: `python3.11`."""
        return ("python" if self.name == "cpython" else "pypy") + self.short_version
