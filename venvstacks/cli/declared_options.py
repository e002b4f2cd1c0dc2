"""Every option, declared once: flags, environment variable, help. Commands name what they take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from venvstacks.tools.clones import LinkMode

Spec = Annotated[
    Path,
    typer.Argument(metavar="SPEC", help="Stack specification. [default: venvstacks.toml here or in a folder above]"),
]

_FOLDERS, _LAYERS, _PACKAGES, _ARCHIVES, _RUN = "Folders", "Layers", "Packages", "Archives", "Run"
_SHARING, _DESCRIPTIONS = "Remote cache", "Descriptions"

BuildDir = Annotated[
    str, typer.Option("--build-dir", metavar="DIR", help="Environments and task state.", rich_help_panel=_FOLDERS)
]
ArtifactsDir = Annotated[
    str, typer.Option("--output-dir", metavar="DIR", help="Published archives.", rich_help_panel=_FOLDERS)
]
ExportDir = Annotated[
    str, typer.Option("--output-dir", metavar="DIR", help="Exported environments.", rich_help_panel=_FOLDERS)
]
LocalWheels = Annotated[
    list[str] | None,
    typer.Option(
        "--local-wheels",
        metavar="DIR",
        help="Folder of wheels to use in addition to indexes; repeatable.",
        rich_help_panel=_PACKAGES,
    ),
]
Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="NAME",
        help="Target platform, or all; repeatable. [default: this machine's]",
        rich_help_panel=_LAYERS,
    ),
]
OnePlatform = Annotated[
    str | None,
    typer.Option(
        "--platform", metavar="NAME", help="Target platform. [default: this machine's]", rich_help_panel=_LAYERS
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option("--include", metavar="GLOB", help="Only these environments; repeatable.", rich_help_panel=_LAYERS),
]
ResetLock = Annotated[
    list[str] | None,
    typer.Option(
        "--reset-lock", metavar="GLOB", help="Drop the earlier pins of these; repeatable.", rich_help_panel=_LAYERS
    ),
]
AllowMissing = Annotated[
    bool,
    typer.Option("--allow-missing/--no-allow-missing", help="Patterns may match nothing.", rich_help_panel=_LAYERS),
]


def _reach(name: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(f"--{name}/--no-{name}", help=what, rich_help_panel=_LAYERS)
    return option


LockDependencies = Annotated[bool | None, _reach("lock-dependencies", "Renew locks of layers below included ones too.")]
BuildDependencies = Annotated[bool | None, _reach("build-dependencies", "Build layers below included ones too.")]
PublishDependencies = Annotated[bool | None, _reach("publish-dependencies", "Publish layers below included ones too.")]
IncludeDependencies = Annotated[
    bool | None, _reach("include-dependencies", "Default of lock-, build- and publish-dependencies.")
]
BuildDerived = Annotated[bool | None, _reach("build-derived", "Build layers above included ones too.")]
PublishDerived = Annotated[bool | None, _reach("publish-derived", "Publish layers above included ones too.")]

Index = Annotated[
    bool,
    typer.Option("--index/--no-index", help="Whether package indexes may be asked.", rich_help_panel=_PACKAGES),
]
Clean = Annotated[bool, typer.Option("--clean/--no-clean", help="Start from nothing: no earlier pins or environments.")]
TagOutputs = Annotated[
    bool,
    typer.Option(
        "--tag-outputs/--no-tag-outputs",
        help="Put platform and build number into published names.",
        rich_help_panel=_ARCHIVES,
    ),
]
ArchiveFormat = Annotated[
    str | None,
    typer.Option(
        "--archive-format",
        metavar="FORMAT",
        help="tar.zst, tar.xz, tar.gz or zip.",
        envvar="VENVSTACKS_ARCHIVE_FORMAT",
        rich_help_panel=_ARCHIVES,
    ),
]
ArchiveLevel = Annotated[
    int | None,
    typer.Option(
        "--archive-level", metavar="N", help="Compression level of the archive format.", rich_help_panel=_ARCHIVES
    ),
]
Compression = Annotated[
    str | None,
    typer.Option(
        "--compression",
        metavar="EFFORT",
        help="fast, balanced, small, or a level as a number.",
        rich_help_panel=_ARCHIVES,
    ),
]
Release = Annotated[
    str | None,
    typer.Option(
        "--release",
        metavar="VERSION",
        help="What the publication is called, e.g. 2.4.1; by default derived from the newest lock.",
        rich_help_panel=_ARCHIVES,
    ),
]
LinkModeOption = Annotated[
    LinkMode | None,
    typer.Option(
        "--link-mode",
        metavar="MODE",
        help="How files get into exports: clone (or else copy), copy or hardlink.",
    ),
]
RuntimeProvider = Annotated[
    list[str] | None,
    typer.Option(
        "--runtime-provider", metavar="NAME", help="Where Pythons come from: standalone, host, archive; repeatable."
    ),
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
    typer.Option(
        "--isolated/--no-isolated",
        help="Start the application without the current folder, PYTHONPATH and PYTHONHOME.",
    ),
]
Editable = Annotated[
    bool,
    typer.Option(
        "--editable",
        help="Import own packages from their projects: changes take effect without a new build. For work on them.",
    ),
]
CheckImports = Annotated[
    bool | None,
    typer.Option("--check-imports/--no-check-imports", help="Import what linked layers declare."),
]
StrictLayers = Annotated[
    bool,
    typer.Option(
        "--strict-layers",
        help="Fail where a layer cannot be resolved over the locks below, instead of adapting these.",
        rich_help_panel=_PACKAGES,
    ),
]
Locked = Annotated[
    bool,
    typer.Option("--locked", help="Fail with 11 if a lock is missing or not valid, before anything runs; for CI."),
]
CheckEnvironments = Annotated[
    bool,
    typer.Option(
        "--check-environments", help="Compare environments with their records by content; build changed ones again."
    ),
]
Show = Annotated[bool, typer.Option("--show/--no-show", help="Show first what would be done to which layers.")]
ShowOnly = Annotated[bool, typer.Option("--show-only/--no-show-only", help="Show it and do nothing.")]
Json = Annotated[bool, typer.Option("--json/--no-json", help="Show data as JSON, and do nothing else.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        metavar="N",
        min=1,
        help="Tasks at the same time.",
        envvar="VENVSTACKS_JOBS",
        rich_help_panel=_RUN,
    ),
]
RemoteCache = Annotated[
    str | None,
    typer.Option(
        "--remote-cache",
        metavar="URL",
        help="Folder or URL of results that machines share; none for none. Also VENVSTACKS_REMOTE_CACHE.",
        rich_help_panel=_SHARING,
    ),
]
Push = Annotated[
    bool | None,
    typer.Option(
        "--push/--no-push",
        help="Write results of this machine to it. Also VENVSTACKS_REMOTE_CACHE_PUSH.",
        rich_help_panel=_SHARING,
    ),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="SCHEDULER",
        help="Have tasks done by the workers of this Dask scheduler, e.g. tcp://HOST:8786.",
        rich_help_panel=_RUN,
    ),
]


def seconds_of(text: str) -> float:
    """A time such as `90`, `90s`, `10m` or `2h` in seconds."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)(s|m|h|)", text.strip(), re.ASCII)
    if found is None or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no time; give one such as 90s, 10m or 2h")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="TIME",
        parser=seconds_of,
        help="How long each task may take, e.g. 30m; then its children are ended, and it fails.",
        envvar="VENVSTACKS_TIMEOUT",
        rich_help_panel=_RUN,
    ),
]
KeepGoing = Annotated[
    bool, typer.Option("--keep-going", help="Go on with what does not depend on a failure.", rich_help_panel=_RUN)
]
Trace = Annotated[
    Path | None,
    typer.Option("--trace", metavar="FILE", help="Write a trace for Chrome or Perfetto.", rich_help_panel=_RUN),
]
ReportFile = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="Write the result of the run as JSON.", rich_help_panel=_RUN),
]
DeltaFrom = Annotated[
    list[str] | None,
    typer.Option(
        "--delta-from",
        metavar="SOURCE",
        help="Older publication (folder or URL): write deltas from it, so that updates are small; repeatable.",
        rich_help_panel=_ARCHIVES,
    ),
]
Bills = Annotated[
    bool,
    typer.Option("--sbom", help="Write a bill of materials (CycloneDX) for each layer.", rich_help_panel=_DESCRIPTIONS),
]
Provenance = Annotated[
    bool,
    typer.Option(
        "--provenance",
        help="Write for each archive what it was made from (in-toto, SLSA 1.0).",
        rich_help_panel=_DESCRIPTIONS,
    ),
]
Builder = Annotated[
    str | None,
    typer.Option(
        "--builder",
        metavar="URI",
        help="Who builds, for --provenance: e.g. the URL of a CI workflow.",
        envvar="VENVSTACKS_BUILDER",
        rich_help_panel=_DESCRIPTIONS,
    ),
]
Force = Annotated[bool, typer.Option("--force/--no-force", help="Write outputs even if they are current.")]
DryRun = Annotated[bool, typer.Option("--dry-run/--no-dry-run", help="Say what would be done, and why; do nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say why tasks run, and which do not.")]
