"""Reads the contents of a deployment: what is installed now, by the lists of files that it keeps."""

from __future__ import annotations

from pathlib import Path

from venvstacks.deployment.state import Installed
from venvstacks.deployment.steps.deploy_failures import reading as reading_deployment
from venvstacks.deployment.steps.generations import look, require_current
from venvstacks.deployment.steps.place import Place, open_place
from venvstacks.errors import DamagedRecordError
from venvstacks.insight.contents import LayerContents, StackContents, lowest_first
from venvstacks.insight.reading.publication_contents import guessed_packages
from venvstacks.records.file_lists import FileManifest
from venvstacks.tools.files import home_expanded, read_regular


def is_deployment(text: str) -> bool:
    """Whether it is a folder with a deployment."""
    return "://" not in text and Place(home_expanded(text)).marker.is_file()


def read_deployment(folder: Path) -> StackContents:
    """The contents of what is installed in a deployment.

    Raises:
        DeployError: There is none, or it cannot be read.
    """
    place = open_place(folder)

    def read() -> StackContents:
        generation = require_current(place)
        layers = (_layer(place, one, generation.platform) for one in generation.instances)
        return StackContents(str(folder), "publication", lowest_first(layers))

    return look(place, read)


def _layer(place: Place, installed: Installed, platform: str) -> LayerContents:
    file = place.file_manifest(installed.id)
    with reading_deployment(place.root):
        content = read_regular(file)
    try:
        files = FileManifest.unpack(content).entries()
    except ValueError as error:
        raise DamagedRecordError(f"{file} is damaged: {error}", hint="deploy with --repair") from error
    return LayerContents(
        name=installed.layer,
        target=installed.target,
        kind=installed.kind,
        python=installed.python,
        platform=platform,
        lower=tuple(installed.lower),
        packages=tuple(guessed_packages(files)),
        files=files,
        version=installed.lock_version,
    )
