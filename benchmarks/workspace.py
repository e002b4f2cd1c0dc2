"""One stack in one contestant's hands: a folder, its commands, and what of the pipeline has been done in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.contestants import Contestant, kept_folder
from benchmarks.measure import Place, Sample, measure
from benchmarks.stacks import SPEC, Kit, StackCase
from venvstacks.tools.tree_removal import remove_tree
from venvstacks.tools.uv import find_uv

State = Literal["locked", "built", "published", "published with bytecode", "exported", "deployed", "plain"]
Commands = list[list[str]]

DEPLOYED = "_deployed"
PLAIN = "_plain"
WITH_BYTECODE = "_artifacts_with_bytecode"
_SPEC_WITH_BYTECODE = "with-bytecode.toml"


@dataclass
class Workspace:
    """A folder that holds a stack and everything that one contestant makes of it.

    Attributes:
        stack: What lies in the folder.
        contestant: Who works in it.
        folder: The folder.
        runtimes: Implementation to the tree that serves it; for the original's shim.
        kit: Starts processes.
        done: What has been brought about and not been touched since.
    """

    stack: StackCase
    contestant: Contestant
    folder: Path
    runtimes: dict[str, Path]
    kit: Kit
    done: set[State] = field(default_factory=set)

    def fill(self) -> None:
        """Write the stack; its launch module ends in a digit that is there to be changed.

        Raises:
            UnavailableError: This machine does not have what the stack needs.
        """
        self.folder.mkdir(parents=True)
        self.stack.write(self.folder, self.kit)
        module = self.folder / self.stack.launch_module
        module.write_text(module.read_text("utf-8") + "\n# 0\n", encoding="utf-8")
        text = (self.folder / SPEC).read_text("utf-8")
        text = text.replace("[tool.venvstacks]\n", '[tool.venvstacks]\nbytecode = "shipped"\n')
        (self.folder / _SPEC_WITH_BYTECODE).write_text(text, encoding="utf-8")

    def change_launch_module(self) -> None:
        """Change one byte of the launch module, in a comment."""
        module = self.folder / self.stack.launch_module
        text = module.read_text("utf-8")
        module.write_text(f"{text[:-2]}{(int(text[-2]) + 1) % 10}\n", encoding="utf-8")

    def work(self, command: str, *options: str) -> list[str]:
        """The command line of a command that may have to make runtime layers."""
        own = self.stack.options if command in {"lock", "build"} else ()
        return self.contestant.working_command(command, SPEC, *own, *options)

    def measure(self, commands: Commands) -> Sample:
        """Run commands in the folder and say what they took.

        Raises:
            MeasurementError: One failed.
        """
        runtimes = json.dumps({request: str(tree) for request, tree in self.runtimes.items()})
        environment = {**self.contestant.environment, "BENCHMARK_RUNTIMES": runtimes}
        return measure(commands, Place(self.folder, environment, self.folder / "commands.log"), self.kit.processes)

    def remove(self, *names: str) -> None:
        """Remove files and folders of the workspace."""
        for name in names:
            remove_tree(self.folder / name)

    def forget_bytecode(self) -> None:
        """Remove the bytecode that this product keeps between builds and exports."""
        remove_tree(kept_folder(self.kit.cache) / "bytecode")

    def forget(self, *states: State) -> None:
        """Note that these states no longer hold."""
        self.done.difference_update(states)

    def ensure(self, state: State) -> None:
        """Bring a state about unless it holds already; nothing of it is measured.

        Raises:
            MeasurementError: It could not be brought about.
        """
        if state in self.done:
            return
        before: dict[State, State] = {
            "built": "locked", "published": "built", "exported": "built", "deployed": "published", "plain": "deployed",
            "published with bytecode": "locked",
        }  # fmt: skip
        if state in before:
            self.ensure(before[state])
        self.measure(self._ways()[state]())
        self.done.add(state)

    def _ways(self) -> dict[State, Any]:
        return {
            "locked": lambda: [self.work("lock")],
            "built": lambda: [self.work("build")],
            "published": lambda: [self.pipeline()],
            "published with bytecode": lambda: [self._pipeline_with_bytecode()],
            "exported": lambda: [self.work("local-export")],
            "deployed": self._deploy_again,
            "plain": self._make_plain,
        }

    def pipeline(self, *options: str) -> list[str]:
        """The command line that locks what has to be locked, builds and publishes."""
        return self.work("build", "--lock-if-needed", "--publish", *options)

    def _pipeline_with_bytecode(self) -> list[str]:
        folders = ("--build-dir", "_build_with_bytecode", "--output-dir", WITH_BYTECODE)
        return self.contestant.command(
            "build", _SPEC_WITH_BYTECODE, *self.stack.options, "--lock-if-needed", "--publish", *folders
        )

    def published(self, folder: str = "_artifacts") -> dict[str, dict[str, Any]]:
        """The metadata of every published layer by environment name."""
        files = (self.folder / folder / "__venvstacks__/env_metadata").glob("*.json")
        return {entry["layer_name"]: entry for entry in (json.loads(file.read_text("utf-8")) for file in files)}

    def archive_bytes(self, folder: str = "_artifacts") -> int:
        """Size of all published archives together, in bytes."""
        return sum(entry["archive_size"] for entry in self.published(folder).values())

    def chain(self, folder: str = "_artifacts") -> list[dict[str, Any]]:
        """Metadata of the deployed application and of all layers that it needs, the runtime first."""
        published = self.published(folder)
        application = published[self.stack.application]
        targets = {entry["install_target"]: entry for entry in published.values()}
        names = [application["runtime_layer"], *reversed(application["required_layers"]), application["install_target"]]
        return [targets[name] for name in names]

    def unpacking(self, archives: str = "_artifacts") -> Commands:
        """Commands that unpack the application's chain side by side, with the system's tar."""
        self.remove(DEPLOYED)
        (self.folder / DEPLOYED).mkdir()
        chain = self.chain(archives)
        return [["tar", "-xf", f"{archives}/{entry['archive_name']}", "-C", DEPLOYED] for entry in chain]

    def post_installing(self) -> Commands:
        """Commands that run the unpacked chain's post-install scripts, from the runtime upwards."""
        python = str(self.deployed_python(runtime=True))
        return [[python, "-I", f"{DEPLOYED}/{entry['install_target']}/postinstall.py"] for entry in self.chain()]

    def _make_plain(self) -> Commands:
        """Commands that make one virtual environment which holds the packages of all layers of the chain."""
        install = [str(find_uv()), "pip", "install", "--quiet", "--no-config", "--python", f"{PLAIN}/bin/python"]
        locks = [
            f"requirements/{entry['layer_name']}/pylock.{entry['layer_name'].replace('.', '_')}.toml"
            for entry in self.chain()
        ]
        return [
            [str(self.deployed_python(runtime=True)), "-m", "venv", "--clear", "--without-pip", PLAIN],
            *([*install, "--requirements", lock] for lock in locks),
            # fails where a package holds a file for newer Pythons, and has compiled everything else
            ["sh", "-c", f"{PLAIN}/bin/python -m compileall -qq {PLAIN}/lib || true"],
        ]

    def _deploy_again(self) -> Commands:
        return [*self.unpacking(), *self.post_installing()]

    def deployed_python(self, *, runtime: bool = False) -> Path:
        """The interpreter of the deployed application, or of its runtime; in the runtime's own place."""
        target: str = self.chain()[0 if runtime else -1]["install_target"]
        return self.folder / DEPLOYED / target / "bin/python"
