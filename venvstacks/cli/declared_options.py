"""Every option, declared once: flags, environment variable, help. Commands name what they take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.cli.colours import Colour
from venvstacks.cli.option_form import option
from venvstacks.tools.clones import LinkMode

Spec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="Stack specification. [default: venvstacks.toml here or in a folder above]"),
]

_FOLDERS, _LAYERS, _PACKAGES, _ARCHIVES, _RUN = "Folders", "Layers", "Packages", "Archives", "Run"
_SHARING, _DESCRIPTIONS = "Remote cache", "Descriptions"

BuildDir = Annotated[str, option("--build-dir", "Environments and task state.", "DIR", _FOLDERS)]
ArtifactsDir = Annotated[str, option("--output-dir", "Published archives.", "DIR", _FOLDERS)]
ExportDir = Annotated[str, option("--output-dir", "Exported environments.", "DIR", _FOLDERS)]
AnyExportDir = Annotated[str, option("--export-dir", "Exported environments.", "DIR")]
LocalWheels = Annotated[
    list[str] | None,
    option("--local-wheels", "Folder of wheels to use in addition to indexes; repeatable.", "DIR", _PACKAGES),
]
Platforms = Annotated[
    list[str] | None,
    option("--platform", "Target platform, or all; repeatable. [default: this machine's]", "NAME", _LAYERS),
]
OnePlatform = Annotated[str | None, option("--platform", "Target platform. [default: this machine's]", "NAME", _LAYERS)]
Include = Annotated[list[str] | None, option("--include", "Only these environments; repeatable.", "GLOB", _LAYERS)]
ResetLock = Annotated[
    list[str] | None,
    option("--reset-lock", "Drop earlier pins of these environments; repeatable.", "GLOB", _LAYERS),
]
AllowMissing = Annotated[
    bool, option("--allow-missing/--no-allow-missing", "Patterns may match nothing.", panel=_LAYERS)
]


def _reach(name: str, what: str) -> typer.models.OptionInfo:
    return option(f"--{name}/--no-{name}", what, panel=_LAYERS)


LockDependencies = Annotated[bool | None, _reach("lock-dependencies", "Also renew locks below included layers.")]
BuildDependencies = Annotated[bool | None, _reach("build-dependencies", "Also build layers below included ones.")]
PublishDependencies = Annotated[bool | None, _reach("publish-dependencies", "Also publish layers below included ones.")]
IncludeDependencies = Annotated[
    bool | None,
    _reach("include-dependencies", "Default for locking, building and publishing layers below."),
]
BuildDerived = Annotated[bool | None, _reach("build-derived", "Also build layers above included ones.")]
PublishDerived = Annotated[bool | None, _reach("publish-derived", "Also publish layers above included ones.")]

Index = Annotated[bool, option("--index/--no-index", "Whether packages may come from indexes.", panel=_PACKAGES)]
Clean = Annotated[bool, option("--clean/--no-clean", "Start from nothing: no earlier pins or environments.")]
TagOutputs = Annotated[
    bool,
    option("--tag-outputs/--no-tag-outputs", "Put platform and build number into published names.", panel=_ARCHIVES),
]
ArchiveFormat = Annotated[
    str | None,
    option(
        "--archive-format", "tar.zst, tar.xz, tar.gz or zip.", "FORMAT", _ARCHIVES, envvar="VENVSTACKS_ARCHIVE_FORMAT"
    ),
]
ArchiveLevel = Annotated[
    int | None, option("--archive-level", "Compression level of the archive format.", "N", _ARCHIVES)
]
Compression = Annotated[
    str | None, option("--compression", "fast, balanced, small, or a level as a number.", "EFFORT", _ARCHIVES)
]
Release = Annotated[
    str | None,
    option(
        "--release",
        "Version of the publication, e.g. 2.4.1; by default derived from the newest lock.",
        "VERSION",
        _ARCHIVES,
    ),
]
LinkModeOption = Annotated[
    LinkMode | None,
    option("--link-mode", "How files get into exports: clone (copy where it cannot), copy or hardlink.", "MODE"),
]
RuntimeProvider = Annotated[
    list[str] | None,
    option("--runtime-provider", "Where Pythons come from: standalone, host, archive; repeatable.", "NAME"),
]
Emulator = Annotated[
    list[str] | None,
    typer.Option(
        "--emulator",
        metavar="NAME=COMMAND",
        help="Command that starts programs of another platform; repeatable.",
        rich_help_panel=_LAYERS,
    ),
]
Isolated = Annotated[
    bool,
    option("--isolated/--no-isolated", "Start the application without the current folder, PYTHONPATH and PYTHONHOME."),
]
Editable = Annotated[
    bool,
    option(
        "--editable",
        "Import own packages from their projects: changes take effect without a new build. For work on them.",
    ),
]
CheckImports = Annotated[
    bool | None,
    option("--check-imports/--no-check-imports", "Check layers by importing the packages that they declare."),
]
StrictLayers = Annotated[
    bool,
    option(
        "--strict-layers",
        "Fail where a layer cannot be resolved over the locks below, instead of changing those locks.",
        panel=_PACKAGES,
    ),
]
Locked = Annotated[
    bool, option("--locked", "Exit with 11 if a lock is missing or not valid, before anything runs; for CI.")
]
CheckEnvironments = Annotated[
    bool,
    option("--check-environments", "Compare environments with their records by content; build changed ones again."),
]
Show = Annotated[bool, option("--show/--no-show", "First show what would be done to which layers.")]
ShowOnly = Annotated[bool, option("--show-only/--no-show-only", "Only show what would be done to which layers.")]
Json = Annotated[bool, option("--json/--no-json", "Show data as JSON, and do nothing else.")]
Jobs = Annotated[int | None, option("--jobs -j", "Tasks at the same time.", "N", _RUN, min=1, envvar="VENVSTACKS_JOBS")]
RemoteCache = Annotated[
    str | None,
    option(
        "--remote-cache",
        "Folder or URL of results that machines share; `none` turns it off. Also VENVSTACKS_REMOTE_CACHE.",
        "URL",
        _SHARING,
    ),
]
Push = Annotated[
    bool | None,
    option(
        "--push/--no-push", "Write results to the remote cache, too. Also VENVSTACKS_REMOTE_CACHE_PUSH.", panel=_SHARING
    ),
]
On = Annotated[
    str | None,
    option("--on", "Let the workers of this Dask scheduler do tasks, e.g. tcp://HOST:8786.", "SCHEDULER", _RUN),
]


def seconds_of(text: str) -> float:
    """A time such as `90`, `90s`, `10m` or `2h` in seconds."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|)", text.strip(), re.ASCII)
    if found is None or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no time; give one such as 90s, 10m or 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


Timeout = Annotated[
    float | None,
    option(
        "--timeout",
        "How long each task may take, e.g. 30m; after that its processes are ended, and it fails.",
        "TIME",
        _RUN,
        parser=seconds_of,
        envvar="VENVSTACKS_TIMEOUT",
    ),
]
KeepGoing = Annotated[bool, option("--keep-going", "Go on with what does not depend on a failure.", panel=_RUN)]
Trace = Annotated[Path | None, option("--trace", "Write a trace for Chrome or Perfetto.", "FILE", _RUN)]
ReportFile = Annotated[Path | None, option("--report", "Write the result of the run as JSON.", "FILE", _RUN)]
DeltaFrom = Annotated[
    list[str] | None,
    option(
        "--delta-from",
        "Older publication (folder or URL): write deltas from it, so that updates are small; repeatable.",
        "SOURCE",
        _ARCHIVES,
    ),
]
Bills = Annotated[
    bool | None,
    option("--sbom/--no-sbom", "Write a bill of materials (CycloneDX) for each layer.", panel=_DESCRIPTIONS),
]
Provenance = Annotated[
    bool | None,
    option(
        "--provenance/--no-provenance",
        "Write for each archive what it was made from (in-toto, SLSA 1.0).",
        panel=_DESCRIPTIONS,
    ),
]
Builder = Annotated[
    str | None,
    option(
        "--builder",
        "Who builds, for --provenance: e.g. the URL of a CI workflow.",
        "URI",
        _DESCRIPTIONS,
        envvar="VENVSTACKS_BUILDER",
    ),
]
Force = Annotated[bool, option("--force/--no-force", "Write outputs even if they are current.")]
DryRun = Annotated[bool, option("--dry-run/--no-dry-run", "Say what would be done, and why; do nothing.")]
Quiet = Annotated[bool, option("--quiet -q", "Say nothing but errors.")]
Color = Annotated[Colour, option("--color", "When to colour: auto, always or never.", "WHEN")]
Verbose = Annotated[bool, option("--verbose -v", "Say why tasks run, and which do not.")]
