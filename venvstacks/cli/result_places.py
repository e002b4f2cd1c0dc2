"""Lines that say where the results of a run are."""

from __future__ import annotations

from collections.abc import Iterator

from venvstacks import api
from venvstacks.cli.error_boundary import relative
from venvstacks.records.published_json import entries_in

_NAMED = 3  # so many missing archives are named, of more only the number


def result_places(project: api.Project, request: api.Request) -> Iterator[str]:
    """A line for each operation of a request that has succeeded, and one about archives that are missing."""
    configuration = project.configuration
    layout = configuration.layout
    folders = {
        "lock": layout.requirements,
        "build": layout.environments,
        "publish": layout.artifacts,
        "export": layout.export,
    }
    names = {"lock": "locks", "build": "environments", "publish": "archives", "export": "exported environments"}
    for operation in request.operations:
        line = f"{names[operation]}: {relative(project.base / folders[operation])}"
        if operation == "publish" and configuration.kept_format:
            line += (
                f" (.{configuration.archive_format}, as archives there were published before; "
                "--archive-format chooses another format)"
            )
        yield line
        if operation == "publish":
            yield from _about_missing_archives(project)


def _about_missing_archives(project: api.Project) -> Iterator[str]:
    """A note about archives that the manifest lists and that are not in their folder.

    They have been uploaded, or deleted by mistake. Neither makes a task stale: many projects keep them elsewhere.
    """
    layout, tag = project.configuration.layout, project.configuration.tag
    folder = project.base / layout.artifacts
    missing = {
        str(entry.get("layer_name")): name
        for entry in entries_in(project.base / layout.stack_manifest(layout.artifacts, tag))
        if isinstance(name := entry.get("archive_name"), str) and not (folder / name).exists()
    }
    if not missing:
        return
    what, layers = f"{len(missing)} archives are", ""
    if len(missing) <= _NAMED:
        what = f"{', '.join(sorted(missing.values()))} {'is' if len(missing) == 1 else 'are'}"
        layers = "".join(f" --include {name}" for name in sorted(missing))
    yield f"note: {what} not there any more; if that is a mistake, run `venvstacks publish --force{layers}`"
