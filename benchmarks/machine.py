"""What the figures were taken on: hardware, kernel, versions; nothing that names the machine or its folders."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.contestants import Contestant
from venvstacks.tools.process import Processes, scrubbed_environment


def describe_machine(
    contestants: Sequence[Contestant], sources: Path, workspaces: Path, processes: Processes
) -> dict[str, str]:
    """Titles to descriptions, in the order in which a report shows them.

    Args:
        contestants: Who is compared.
        sources: What this product is made of.
        workspaces: The folder that they work in.
        processes: Starts children.
    """
    return {
        "measured on": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{_memory_bytes() / 2**30:.0f} GiB",
        "file system": file_system(workspaces, _read("/proc/self/mounts")) or "unknown",
        "system": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "Python": platform.python_version(),
        "uv": metadata.version("uv"),
        "zstandard": metadata.version("zstandard"),
        "load before": f"{os.getloadavg()[0]:.1f} processes on average over a minute",
        **{_CALLED[contestant.name]: _version(contestant, sources, processes) for contestant in contestants},
    }


_CALLED = {"this": "this product", "original": "the original"}


def _version(contestant: Contestant, sources: Path, processes: Processes) -> str:
    if contestant.name == "original":
        return f"venvstacks {contestant.version} from PyPI"
    environment = scrubbed_environment(os.environ)
    commit = processes.run(
        ["git", "-C", sources, "rev-parse", "--short=10", "HEAD"], env=environment, check=False
    ).stdout
    changed = processes.run(
        ["git", "-C", sources, "status", "--porcelain", "--", "venvstacks"], env=environment, check=False
    ).stdout
    where = f"commit {commit.strip()}" if commit else "no commit known"
    return f"venvstacks {contestant.version}, {where}{', with local changes' if changed else ''}"


def _processor() -> str:
    found = re.search(r"(?m)^model name\s*: (.*)$", _read("/proc/cpuinfo"))
    return found[1] if found else platform.processor() or platform.machine()


def file_system(folder: Path, mounts: str) -> str:
    """The type of the file system that a folder is on, and of ext4 whether it keeps a journal."""
    place = folder.resolve()
    found = [line.split(" ")[:3] for line in mounts.splitlines()]
    around = [(point, kind, device) for device, point, kind in found if place.is_relative_to(point)]
    if not around:
        return ""
    _, kind, device = max(around, key=lambda one: len(one[0]))
    if kind != "ext4":
        return kind
    return f"ext4 {'with' if [*Path('/proc/fs/jbd2').glob(f'{Path(device).name}-*')] else 'without'} a journal"


def _memory_bytes() -> int:
    found = re.search(r"(?m)^MemTotal:\s*(\d+) kB$", _read("/proc/meminfo"))
    return int(found[1]) * 1024 if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError:
        return ""
