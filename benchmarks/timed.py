"""Runs commands one after the other and prints, as JSON, what each took; a program of its own, for a reason.

Linux counts the memory of whoever starts a program into that program's peak, until it has more itself. So commands
are started from here, by an interpreter that loads next to nothing (`python -I -S`, about 9 MB), and not from the
benchmark. Nothing is measured but the time between start and end of each command.

    python -I -S timed.py '{"log": ..., "cwd": ..., "env": {...}, "commands": [[...], ...]}'

A command that fails is the last one that runs.
"""

import json
import os
import sys
import time


def run(argv: list[str], env: dict[str, str], log: str) -> dict[str, float]:
    """One command: its exit status, and seconds of wall time, processor time and the peak in bytes.

    Processor time is of the command and all its descendants that were waited for; the peak is the largest resident
    size that any single one of them had (`ru_maxrss` of wait4, in KiB on Linux).
    """
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, appending, 0o644),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    begun = time.perf_counter()
    child = os.posix_spawnp(argv[0], argv, env, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    return {
        "status": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - begun,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def main(text: str) -> None:
    """Run all commands of an order, stopping at the first that fails."""
    order = json.loads(text)
    os.chdir(order["cwd"])
    done: list[dict[str, float]] = []
    for argv in order["commands"]:
        done.append(run(argv, order["env"], order["log"]))
        if done[-1]["status"]:
            break
    print(json.dumps(done))


if __name__ == "__main__":
    main(sys.argv[1])
