"""What is measured: each operation's commands, and what has to be the case before each execution of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.stacks import SPEC
from benchmarks.workspace import PLAIN, WITH_BYTECODE, Commands, Workspace

_STARTS = 20
_IMPORTS = 5


@dataclass(frozen=True)
class Operation:
    """One row of the report.

    Attributes:
        name: As it is called on the command line.
        title: As it is called in the report.
        prepare: Run before each execution, unmeasured.
        commands: The command lines that are measured together.
        divisor: How many equal things the commands do; figures are of one.
        only_this: Why the original is not measured; empty if it is.
        against: The operation of the original that this one is compared with, where it is not the same one.
        bound: Another operation of this product that this one is held against, if there is one.
        slow: Whether half as many runs are enough.
        archives: The folder whose archives are weighed afterwards, if any.
        watches_archive: Whether to note if the application's archive came out unchanged.
        unsettles: Whether earlier results have to be brought about again afterwards.
    """

    name: str
    title: str
    prepare: Callable[[Workspace], None]
    commands: Callable[[Workspace], Commands]
    divisor: int = 1
    only_this: str = ""
    against: str = ""
    bound: str = ""
    slow: bool = False
    archives: str = ""
    watches_archive: bool = False
    unsettles: bool = False

    @property
    def counterpart(self) -> str:
        """Name of the original's operation that this one is compared with."""
        return self.against or self.name


def _forget_everything(workspace: Workspace) -> None:
    workspace.remove("requirements", "_build")
    workspace.done.clear()


def _forget_environments(workspace: Workspace) -> None:
    workspace.ensure("locked")
    workspace.remove("_build")


def _forget_results(workspace: Workspace) -> None:
    _forget_environments(workspace)
    workspace.remove("_artifacts")


def _forget_archives(workspace: Workspace) -> None:
    workspace.ensure("built")
    workspace.remove("_artifacts")


def _forget_exports(workspace: Workspace) -> None:
    workspace.ensure("built")
    workspace.remove("_export")


def _forget_exports_and_bytecode(workspace: Workspace) -> None:
    """As after the very first build: it has compiled what its import checks need, and nothing else."""
    if workspace.contestant.name == "this":
        workspace.forget_bytecode()
        workspace.remove("_build")
        workspace.forget("built")
    _forget_exports(workspace)


def _forget_small_archives(workspace: Workspace) -> None:
    workspace.ensure("built")
    workspace.remove("_small")


def _change_published(workspace: Workspace) -> None:
    workspace.ensure("published")
    workspace.change_launch_module()


def _change_exported(workspace: Workspace) -> None:
    workspace.ensure("exported")
    workspace.change_launch_module()


def _small(workspace: Workspace) -> Commands:
    preset = workspace.contestant.offers("publish", "--compression")
    level = ("--compression", "small") if preset else ("--archive-level", "19")
    return [workspace.work("publish", "--output-dir", "_small", *level)]


def _deploy(workspace: Workspace, archives: str = "_artifacts") -> Commands:
    application = workspace.stack.application.removeprefix("app-")
    return [workspace.contestant.command("deploy", archives, "--to", "_kept", "--app", application)]


def _prepare_deploy(workspace: Workspace) -> None:
    workspace.ensure("published")
    workspace.remove("_kept")


def _prepare_deploy_with_bytecode(workspace: Workspace) -> None:
    workspace.ensure("published with bytecode")
    workspace.remove("_kept")


def _prepare_update(workspace: Workspace) -> None:
    workspace.ensure("published")
    if not (workspace.folder / "_kept").exists():
        workspace.measure(_deploy(workspace))
    workspace.change_launch_module()
    workspace.measure([workspace.pipeline()])


def _prepare_rollback(workspace: Workspace) -> None:
    _prepare_update(workspace)
    workspace.measure(_deploy(workspace))


def _rollback(workspace: Workspace) -> Commands:
    application = workspace.stack.application.removeprefix("app-")
    command = workspace.contestant.command
    return [command("rollback", "_kept"), command("exec", "_kept", application)]


def _starts(workspace: Workspace) -> Commands:
    return [[str(workspace.deployed_python()), "-c", "pass"]] * _STARTS


def _imports(workspace: Workspace) -> Commands:
    return [[str(workspace.deployed_python()), "-c", f"import {workspace.stack.imported}"]] * _IMPORTS


def _imports_in_plain(workspace: Workspace) -> Commands:
    return [[f"{PLAIN}/bin/python", "-c", f"import {workspace.stack.imported}"]] * _IMPORTS


_SAME_FOR_BOTH = "it is the same for both"
_PARTS_MEASURED = "its parts are measured"
_SHIPS_NONE = "it ships no bytecode"


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation(
            "lock", "lock from nothing", _forget_everything, lambda w: [w.work("lock")], slow=True, unsettles=True
        ),
        Operation("lock-again", "lock again", lambda w: w.ensure("locked"), lambda w: [w.work("lock")], unsettles=True),
        Operation(
            "lock-if-needed",
            "`lock --if-needed`, nothing to do",
            lambda w: w.ensure("locked"),
            lambda w: [w.work("lock", "--if-needed")],
        ),
        Operation(
            "build", "build from valid locks", _forget_environments, lambda w: [w.work("build")], slow=True,
            unsettles=True,
        ),
        Operation(
            "build-again", "build again, nothing changed", lambda w: w.ensure("built"), lambda w: [w.work("build")]
        ),
        Operation(
            "publish", "publish from scratch", _forget_archives, lambda w: [w.work("publish")], slow=True,
            archives="_artifacts",
        ),
        Operation(
            "publish-small", "publish from scratch, smallest archives", _forget_small_archives, _small, slow=True,
            only_this="it has one compression", against="publish", archives="_small", unsettles=True,
        ),
        Operation(
            "pipeline", "build and publish from valid locks", _forget_results, lambda w: [w.pipeline()],
            only_this=_PARTS_MEASURED, bound="pipeline-alone", slow=True, unsettles=True,
        ),
        Operation(
            "pipeline-alone", "the same with `--jobs 1`", _forget_results, lambda w: [w.pipeline("--jobs", "1")],
            only_this=_PARTS_MEASURED, slow=True, unsettles=True,
        ),
        Operation(
            "pipeline-again", "lock, build and publish, nothing changed", lambda w: w.ensure("published"),
            lambda w: [w.pipeline()],
        ),
        Operation(
            "pipeline-changed", "lock, build and publish, one byte of a launch module changed", _change_published,
            lambda w: [w.pipeline()], watches_archive=True,
        ),
        Operation(
            "export", "local export from scratch", _forget_exports_and_bytecode, lambda w: [w.work("local-export")],
            slow=True,
        ),
        Operation(
            "export-linked", "local export from scratch, `--link-mode hardlink`", _forget_exports_and_bytecode,
            lambda w: [w.work("local-export", "--link-mode", "hardlink")],
            only_this="its files are always links", against="export", slow=True,
        ),
        Operation(
            "export-kept", "local export into an empty folder, bytecode kept from an earlier one", _forget_exports,
            lambda w: [w.work("local-export")], only_this="it keeps no bytecode", against="export",
        ),
        Operation(
            "export-changed", "local export after one byte of a launch module changed", _change_exported,
            lambda w: [w.work("local-export")], only_this="its next export misses the change", against="export",
        ),
        Operation("unpack", "unpack one application's chain", lambda w: w.ensure("published"), Workspace.unpacking),
        Operation(
            "deploy-by-hand", "deploy one application's chain by hand: unpack, post-install",
            lambda w: w.ensure("published"), lambda w: [*w.unpacking(), *w.post_installing()], slow=True,
        ),
        Operation(
            "deploy", "`venvstacks deploy` of one application", _prepare_deploy, _deploy, slow=True,
            only_this="it has no such command", against="deploy-by-hand",
        ),
        Operation(
            "update", "`venvstacks deploy` again after one byte of a launch module changed", _prepare_update, _deploy,
            only_this="it has no such command",
        ),
        Operation(
            "rollback", "`venvstacks rollback`, and a run of the application as it was", _prepare_rollback, _rollback,
            only_this="it has no such command",
        ),
        Operation(
            "unpack-bytecode", "unpack one application's chain, bytecode shipped",
            lambda w: w.ensure("published with bytecode"), lambda w: w.unpacking(WITH_BYTECODE),
            only_this=_SHIPS_NONE, slow=True, archives=WITH_BYTECODE,
        ),
        Operation(
            "deploy-bytecode", "`venvstacks deploy` of one application, bytecode shipped",
            _prepare_deploy_with_bytecode, lambda w: _deploy(w, WITH_BYTECODE), slow=True,
            only_this=_SHIPS_NONE, against="deploy-by-hand", bound="unpack-bytecode",
        ),
        Operation(
            "start", "`python -c pass` in the deployed application", lambda w: w.ensure("deployed"), _starts,
            divisor=_STARTS, bound="start-plain",
        ),
        Operation(
            "start-plain", "`python -c pass` in a plain venv with the same packages", lambda w: w.ensure("plain"),
            lambda _: [[f"{PLAIN}/bin/python", "-c", "pass"]] * _STARTS, divisor=_STARTS, only_this=_SAME_FOR_BOTH,
        ),
        Operation(
            "import", "import a package of a lower layer in the deployed application", lambda w: w.ensure("deployed"),
            _imports, divisor=_IMPORTS, bound="import-plain",
        ),
        Operation(
            "import-plain", "import it in a plain venv with the same packages", lambda w: w.ensure("plain"),
            _imports_in_plain, divisor=_IMPORTS, only_this=_SAME_FOR_BOTH,
        ),
        Operation("show", "`show`", lambda w: w.ensure("built"), lambda w: [w.contestant.command("show", SPEC)]),
        Operation(
            "plan", "`plan`", lambda w: w.ensure("published"),
            lambda w: [w.contestant.command("plan", SPEC, *w.stack.wheel_options)], only_this="it has no such command",
        ),
        Operation(
            "version", "`--version`", lambda _: None, lambda w: [w.contestant.command("--version")] * 5, divisor=5
        ),
    )
}  # fmt: skip
"""Every operation by name, in the order in which they are measured."""
