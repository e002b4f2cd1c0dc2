"""Deployments under a storm of signals: changes that are killed at random moments, while others read.

Each round starts one change (deploy, rollback, remove, collect) of one deployment as a process of its own and sends it
SIGKILL, SIGTERM or SIGINT at a moment at random. Meanwhile readers run without end, in processes that get signals too.
Whatever happens: what is current can be read and started, and prints the text of one of the publications.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.installed_applications import printed
from tests.support.killed_deploys import ROOT
from venvstacks.api import deployments as deployment

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
CODES = {-signal.SIGKILL, 130, 143, 0, -signal.SIGTERM, -signal.SIGINT}
"""How a process may end that gets a signal: by its code, or, before it handles signals, by the signal itself."""

_PROGRAM = """
import sys
from venvstacks import cli
cli.leave_at_signals()
from venvstacks.cli import deploy_commands
from venvstacks.cli.error_boundary import run_command_line
print("ready", flush=True)
sys.exit(run_command_line(sys.argv[1:]))
"""
"""The command line, after what no program can help: signals while Python itself starts, or modules are loaded."""

_CHANGES = ("deploy", "deploy", "deploy", "rollback", "remove", "collect")
_LONGEST = 0.5


@dataclass
class Storm:
    """A deployment, what is deployed there, and what has been seen.

    Attributes:
        folder: The deployment.
        sources: Publications that are deployed in turn.
        texts: What their application prints.
        seed: For commands, signals and moments.
        sent: Signals by kind of process.
        ended: Exit codes by kind of process.
        wrong: What should not have happened.
    """

    folder: Path
    sources: tuple[Path, ...]
    texts: frozenset[str]
    seed: int = 1
    sent: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def rage(self, signals: int, after_round: Callable[[], None] = lambda: None) -> None:
        """Send so many signals; `after_round` is called after each change."""
        chance = random.Random(self.seed)
        deployment.deploy(str(self.sources[0]), self.folder)
        while self.sent.total() < signals:
            reader = self._start(["status", self.folder, chance.choice(("--verify", "--json"))])
            victims = [reader] if chance.random() < 0.3 else []
            for victim in victims:
                self._hit(victim, chance)
            change = self._start(self._change(chance))
            victims.append(change)
            self._hit(change, chance)
            for child in (change, reader):
                self._judge(child, hit=child in victims)
            self._look()
            after_round()
        deployment.deploy(str(self.sources[0]), self.folder, options=deployment.DeployOptions(wait=60))

    def _hit(self, victim: subprocess.Popen[str], chance: random.Random) -> None:
        """Send a signal some time after a process is ready; it may be over by then."""
        time.sleep(chance.uniform(0, _LONGEST))
        if victim.poll() is None:
            self.sent[_kind(victim)] += 1
            victim.send_signal(chance.choice(SIGNALS))

    def _change(self, chance: random.Random) -> list[str | Path]:
        kind = chance.choice(_CHANGES)
        if kind == "deploy":
            return ["deploy", chance.choice(self.sources), "--to", self.folder]
        return [kind, self.folder, *(["--app", "toad"] if kind == "remove" else [])]

    def _start(self, arguments: list[str | Path]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _PROGRAM, *arguments]
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert child.stdout is not None
        child.stdout.readline()
        return child

    def _judge(self, child: subprocess.Popen[str], *, hit: bool) -> None:
        out, said = child.communicate(timeout=120)
        kind = _kind(child)
        self.ended[f"{kind} {child.returncode}"] += 1
        # 2: there was no toad to remove; 6: no generation to go back to, or the one before was removed meanwhile
        allowed = {0, 2, 6} | (CODES if hit else set())
        early = child.returncode == -signal.SIGINT  # before the command line handles it
        broken = child.returncode not in allowed or ("Traceback" in said and not early) or "defect" in said
        # what the application has written itself while it was started is its own
        torn = kind == "status" and child.returncode == 6
        if broken or torn:
            self.wrong.append(f"{kind} ended with {child.returncode}: {said or out}")

    def _look(self) -> None:
        """What is current is whole."""
        try:
            names = deployment.status(self.folder).generation.applications
            if "frog" in names:
                text = printed(self.folder, "frog")
                if text not in self.texts:
                    self.wrong.append(f"the application prints {text!r}")
        except (deployment.VenvstacksError, subprocess.CalledProcessError) as error:
            self.wrong.append(f"what is current is not whole: {error}")


def _kind(child: subprocess.Popen[str]) -> str:
    assert isinstance(child.args, list)
    return str(child.args[3])
