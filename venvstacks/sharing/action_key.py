"""The key of a task's result: a digest of everything that the result depends on, equal on every machine.

Pure. Paths enter a key by their roles (`$build/...`), never as paths of a machine. The key is meant to be complete
rather than small: a missing dependency would give one machine the result of another stack, while a superfluous one
only costs a result that is computed twice.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from venvstacks.digests import sha256_json
from venvstacks.graph.configuration import Configuration
from venvstacks.graph.taskgraph import TaskNode
from venvstacks.model.layout import StackLayout
from venvstacks.model.stack import Layer

FORMAT = 1
"""Raised when keys change their meaning, so that results of earlier versions are not found."""

ARCHIVE = "archive"
"""The role of the packed file that an archive task makes.

Its name, its build number and its metadata depend on what a machine published before; each machine works them out."""

PACKAGES = "packages"
"""The role of the list of packages that an archive task reads from the environment."""

WHEEL = "wheel"
"""The role of the wheel of an own package."""

SHARED_KINDS = ("build", "link", "check", "archive")
"""Kinds of tasks whose results are functions of their inputs. Locks are not: they depend on what indexes offer.
Exports are folders of this machine, and manifests are quicker to write than to fetch. Wheels of own packages are
shared, too, once they are pinned: see `KeyedWheel`."""

_PROVIDERS = {"runtime_providers", "runtime_archives"}


@dataclass(frozen=True)
class KeyedTask:
    """A task whose result may be shared.

    Attributes:
        node: The task.
        layer: Its layer.
        configuration: What tasks depend on apart from the stack.
        source: What a runtime's Python is made from (provider and digest of its file), for build tasks of runtimes.
    """

    node: TaskNode
    layer: Layer
    configuration: Configuration
    source: Mapping[str, str] | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Stored paths of all files that the result depends on, in the order in which the key has them.

        Linking and checking also look into the environments of layers below; the records of these hold a digest of
        each file there.
        """
        more: tuple[str, ...] = ()
        if self.node.kind in {"link", "check"}:
            more = tuple(self.configuration.layout.record("link", layer) for layer in self.layer.below)
        if self.node.kind == "archive":  # the list of packages names wheels
            more = (self.configuration.layout.lock_file(self.layer),)
        return tuple(dict.fromkeys((*self.node.inputs, *more)))

    @property
    def outputs(self) -> Mapping[str, str | None]:
        """Role to stored path of what is shared of the result; None for published files, which have no fixed paths."""
        if self.node.kind == "archive":
            return {ARCHIVE: None, PACKAGES: None}
        layout = self.configuration.layout
        return {role_of(path, layout): path for path in self.node.outputs if path not in self.node.trees}

    def key(self, digests: Mapping[str, str]) -> str | None:
        """The key of the result; None if it must not be shared.

        Args:
            digests: Content digest of each of `inputs`, by stored path.
        """
        node, layer, configuration = self.node, self.layer, self.configuration
        roles = [role_of(path, configuration.layout) for path in self.inputs]
        if node.kind not in SHARED_KINDS or configuration.platform is None or any(map(posixpath.isabs, roles)):
            return None
        fingerprint = dict(node.fingerprint)
        if _PROVIDERS & fingerprint.keys():
            if self.source is None:
                return None
            fingerprint = {name: value for name, value in fingerprint.items() if name not in _PROVIDERS}
            fingerprint["runtime_source"] = dict(self.source)
        return sha256_json(
            {
                "format": FORMAT,
                "venvstacks": configuration.tools.get("venvstacks"),
                "kind": node.kind,
                "env_name": node.env_name,
                "platform": configuration.platform.name,
                "foreign": configuration.is_foreign,  # whether another platform's machine made it
                "fingerprint": fingerprint,
                "layer": _facts(layer),
                "inputs": [
                    [role, digests[path]] for role, path in zip(roles, self.inputs, strict=True)
                ],
                "outputs": sorted(self.outputs),
            }
        )  # fmt: skip

    def accepts(self, digests: Mapping[str, str]) -> bool:
        """Whether files with these digests, by role, can be the result."""
        return digests.keys() == self.outputs.keys()

    def kept(self, digest: Callable[[str], str | None]) -> dict[str, str]:  # noqa: ARG002 - see `KeyedWheel`
        """Outputs that stay as they are, with their digests: none."""
        return {}


@dataclass(frozen=True)
class KeyedWheel:
    """The wheel of an own package, whose pin is right for its source; the pin states the wheel's digest.

    So the key needs nothing else, and no record can name another file.

    Attributes:
        node: The task; its output is the pin.
        sha256: Digest of the wheel, by the pin.
    """

    node: TaskNode
    sha256: str

    @property
    def inputs(self) -> tuple[str, ...]:
        """No files: the digest stands for all of them."""
        return ()

    @property
    def outputs(self) -> Mapping[str, str | None]:
        """The wheel, whose name is in the pin."""
        return {WHEEL: None}

    def key(self, digests: Mapping[str, str]) -> str:  # noqa: ARG002 - as other tasks have it
        """The key of the wheel."""
        return sha256_json({"format": FORMAT, "kind": "wheel", "wheel": self.sha256})

    def accepts(self, digests: Mapping[str, str]) -> bool:
        """Whether files with these digests, by role, can be the result."""
        return dict(digests) == {WHEEL: self.sha256}

    def kept(self, digest: Callable[[str], str | None]) -> dict[str, str]:
        """Outputs that stay as they are, with their digests: the pin."""
        return {path: found for path in self.node.outputs if (found := digest(path)) is not None}


Keyed = KeyedTask | KeyedWheel


def role_of(path: str, layout: StackLayout) -> str:
    """A stored path with the name of its folder in place of the folder, which users choose."""
    folders = {"$build": layout.build, "$artifacts": layout.artifacts, "$export": layout.export}
    for name, folder in folders.items():
        if path.startswith(f"{folder}/"):
            return name + path[len(folder) :]
    return path


def _facts(layer: Layer) -> dict[str, object]:
    """What fingerprints leave to the lock, or to the order of inputs."""
    return {
        "kind": layer.kind,
        "python": str(layer.python),
        "glibc": layer.glibc,
        "macos": layer.macos,
        "below": [[below.env_name, below.versioned] for below in layer.below],
        "versioned": layer.versioned,
        "sources": [[source.path, source.is_package, list(source.files)] for source in layer.sources],
        "executable": [sorted(source.executable) for source in layer.sources],
        "launches": [[launch.name, launch.target] for launch in layer.launches],
        "requirements": list(layer.requirements),  # as written, for the list of packages
    }
