"""Commands that do not exist, and what people mean by them: words of other tools lead to the commands of this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from venvstacks.errors import UsageError
from venvstacks.suggestions import suggestion

_MEANINGS: Mapping[str, str] = {
    "advisories": "audit",
    "archive": "publish",
    "bom": "sbom",
    "changes": "diff",
    "check": "doctor` or `venvstacks verify",
    "compare": "diff",
    "compile": "lock",
    "create": "init",
    "dependencies": "tree",
    "deps": "tree",
    "exec-app": "exec",
    "explain": "why",
    "export": "local-export",
    "gc": "collect",
    "graph": "tree` or `venvstacks plan --format mermaid",
    "health": "doctor",
    "info": "show",
    "install": "deploy",
    "license": "licenses",
    "licences": "licenses",
    "list": "show",
    "new": "init",
    "outdated": "lock --upgrade --dry-run",
    "package": "publish",
    "prune": "cache prune` or `venvstacks collect",
    "release": "publish",
    "reproduce": "verify",
    "size": "report",
    "sizes": "report",
    "start": "run` or `venvstacks exec",
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
