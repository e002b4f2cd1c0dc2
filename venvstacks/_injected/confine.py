"""Runs a command that changes no files and leaves no processes: `python -I -S confine.py <folder> <command>`.

On Linux the command may write below `<folder>` and to devices alone (Landlock, from kernel 5.13 on; older ones go
without). Every process that it has started is ended with it, even one that has a session of its own: this process is
their subreaper (PR_SET_CHILD_SUBREAPER). On other systems the command is run as it is.

Runs with the Python of this program; standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import struct
import sys

_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36
_SET_NO_NEW_PRIVS = 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on all processors
_VERSION_OF_LANDLOCK = 1
_RULE_PATH_BENEATH = 1
_WRITE_FILE = 1 << 1
_REMOVE_FILE, _MAKE_FILE = 1 << 5, 1 << 8
_SEMAPHORES = "/dev/shm"  # noqa: S108 - where the C library keeps them
_CHANGES = (_WRITE_FILE | 0b1111_1111_0000 | 1 << 12, 1 << 13, 1 << 14)
"""Rights to write, remove and make things; to move them between folders (version 2); to truncate them (version 3)."""


def restrict_writes(folder: str) -> None:
    """Let this process and its children write below `folder` alone; without effect where Landlock is missing."""
    system = ctypes.CDLL(None, use_errno=True)
    version = system.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_VERSION_OF_LANDLOCK))
    if version < 1:
        return
    handled = 0
    for right in _CHANGES[:version]:
        handled |= right
    attributes = struct.pack("=Q", handled)
    ruleset = system.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    if ruleset < 0:
        return
    devices = _WRITE_FILE | _CHANGES[-1]
    for path, rights in ((folder, handled), ("/dev", devices), (_SEMAPHORES, devices | _REMOVE_FILE | _MAKE_FILE)):
        with contextlib.suppress(OSError):
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights & handled, opened)
            system.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_RULE_PATH_BENEATH), rule, ctypes.c_uint(0))
            os.close(opened)
    system.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    system.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0))
    os.close(ruleset)


def end_descendants() -> None:
    """Kill every process that descends from this one; those that start others meanwhile are met again."""
    while children := _children():
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        for child in children:
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)


def _children() -> list[int]:
    try:
        with open("/proc/thread-self/children", encoding="ascii") as stream:  # noqa: PTH123 - pathlib takes 5 ms
            return [int(number) for number in stream.read().split()]
    except OSError:
        return []


def run(folder: str, command: list[str]) -> int:
    """Run a command to its end; give its exit status, negative for a signal."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if not child:
        try:
            if sys.platform == "linux":
                ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
                restrict_writes(folder)
            os.execv(command[0], command)  # noqa: S606 - no shell is the point
        except OSError as error:
            print(f"{command[0]} cannot be started: {error}", file=sys.stderr, flush=True)
        os._exit(127)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))  # it has nothing to put in order
    status = 0
    while True:
        pid, ended = os.waitpid(-1, 0)
        if pid == child:
            status = os.waitstatus_to_exitcode(ended)
            break
    end_descendants()
    return status


if __name__ == "__main__":
    outcome = run(sys.argv[1], sys.argv[2:])
    if outcome < 0:
        signal.signal(-outcome, signal.SIG_DFL)
        os.kill(os.getpid(), -outcome)
    sys.exit(outcome)
