"""The closing check of an environment: its Python starts, and what the layer declares can be imported."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from venvstacks.actions.tools import Tools
from venvstacks.errors import LinkError, ProcessFailedError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.model.stack import Layer
from venvstacks.tools.process import scrubbed_environment

_PROGRAM = """
import importlib, importlib.metadata, importlib.util, json, sys, traceback

wanted, modules = json.loads(sys.argv[1])
failures = []

def top_level(name):
    files = importlib.metadata.distribution(name).files or []
    for file in files:
        first = file.parts[0]
        if len(file.parts) == 1:
            first = first.partition(".")[0] if first.endswith((".py", ".so", ".pyd")) else ""
        elif file.suffix not in {".py", ".so", ".pyd"}:
            continue
        if first.isidentifier() and not first.startswith("_"):
            yield first

for name in wanted:
    try:
        for module in dict.fromkeys(top_level(name)):
            importlib.import_module(module)
    except BaseException as error:
        failures.append([name, "".join(traceback.format_exception_only(error)).strip()])
for module in modules:
    if importlib.util.find_spec(module) is None:
        failures.append([module, "there is no such module in the environment"])
print(json.dumps(failures), file=sys.__stdout__)
"""


def check_imports(layer: Layer, platform: TargetPlatform, python: Path, log: Path, tools: Tools) -> None:
    """Start `python` and import every distribution that `layer` declares; its launch and support modules are looked up.

    Args:
        layer: The layer.
        platform: Decides which conditional requirements count.
        python: The environment's Python, through the wrapper where there is one.
        log: File that collects the output of the child process.
        tools: Starts it.

    Raises:
        LinkError: Python does not start or something cannot be imported; says what and why.
    """
    marker_environment = platform.marker_environment(layer.python)
    requirements = [Requirement(text) for text in layer.requirements]
    wanted = [
        str(canonicalize_name(requirement.name))
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate(marker_environment)
    ]
    modules = [source.module for source in layer.sources]
    cache = log.parent.parent / "pycache"
    argv: list[str | Path] = [
        python,
        "-I",
        "-X",
        f"pycache_prefix={cache}",
        "-c",
        _PROGRAM,
        json.dumps([wanted, modules]),
    ]
    try:
        done = tools.processes.run(argv, env=scrubbed_environment(tools.environment), log=log)
        failures = json.loads(done.stdout.splitlines()[-1])
    except ProcessFailedError as error:
        raise LinkError(
            f"layer '{layer.name}': its Python does not start", details=error.details, hint=f"the log is {log}"
        ) from error
    if failures:
        raise LinkError(
            f"layer '{layer.name}': what it declares cannot be imported",
            details=tuple(f"{name}: {reason}" for name, reason in failures),
            hint="a missing shared library or package is the usual cause; if the packages cannot be imported on this "
            "machine at all (no graphics card, say), set check-imports = false in [tool.venvstacks]",
        )
