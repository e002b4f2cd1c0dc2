"""What people mean by commands that do not exist, and by options of other commands.

Words of other tools lead to the commands of this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from venvstacks.errors import UsageError
from venvstacks.suggestions import suggestion

_MEANINGS: Mapping[str, str] = {
    "advisories": "audit",
    "archive": "publish",
    "attest": "publish --provenance",
    "bom": "sbom",
    "changes": "diff",
    "check": "doctor` or `venvstacks verify",
    "compare": "diff",
    "compile": "lock",
    "create": "init",
    "cve": "audit",
    "delete": "remove",
    "dependencies": "tree",
    "depends": "tree --invert PACKAGE",
    "deps": "tree",
    "disk": "doctor",
    "duplicates": "tree --duplicates",
    "exec-app": "exec",
    "explain": "why",
    "export": "local-export",
    "freeze": "lock",
    "gc": "collect",
    "graph": "tree` or `venvstacks plan --format mermaid",
    "health": "doctor",
    "html": "report",
    "import": "init --from pyproject.toml",
    "info": "show",
    "install": "deploy",
    "libraries": "tree",
    "licences": "licenses",
    "license": "licenses",
    "list": "show",
    "ls": "show",
    "new": "init",
    "outdated": "lock --upgrade --dry-run",
    "package": "publish",
    "packages": "tree",
    "provenance": "publish --provenance",
    "prune": "cache prune` or `venvstacks collect",
    "release": "publish",
    "reproduce": "verify",
    "resolve": "lock",
    "rm": "remove",
    "scan": "audit",
    "security": "audit",
    "size": "report",
    "sizes": "report",
    "start": "run` or `venvstacks exec",
    "suggest": "init --from pyproject.toml",
    "sync": "build",
    "test": "verify",
    "undo": "rollback",
    "uninstall": "remove",
    "update": "lock --upgrade` or `venvstacks deploy",
    "upgrade": "lock --upgrade` or `venvstacks deploy",
    "vulnerabilities": "audit",
}
"""What other tools call it, and the command here."""


def unknown_command(name: str, known: Iterable[str]) -> UsageError:
    """The error for a command that does not exist."""
    otherwise = "`venvstacks -h` lists all commands"
    meant = _MEANINGS.get(name.lower())
    hint = f"did you mean `venvstacks {meant}`?" if meant else suggestion(name, known, otherwise)
    return UsageError(f"there is no command '{name}'", hint=hint)


def commands_with(option: str) -> list[str]:
    """The commands that have an option; all are loaded to know it."""
    from typer.main import get_command  # noqa: PLC0415 - for one kind of error

    from venvstacks.cli.app import make_app  # noqa: PLC0415

    commands = getattr(get_command(make_app()), "commands", {})
    return [
        name
        for name, command in commands.items()
        if any(option in {*one.opts, *one.secondary_opts} for one in command.params)
    ]
