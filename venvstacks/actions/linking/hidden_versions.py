"""Distributions of which several layers have different versions: imports find one, and code of all layers gets it.

Locking refuses this where the layer itself needs the distribution. Where it does not, or where another program made
the locks, each layer may still work, so it is a note and no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from venvstacks.actions.linking.link_request import LinkRequest


def hidden_versions(request: LinkRequest) -> Iterator[str]:
    """A sentence for each version that imports do not find, in the lowest layer that sees both.

    Raises:
        OSError: An environment cannot be read.
    """
    site_dir, builds = request.environment_layout.site_dir, request.environment.parent
    found: dict[str, tuple[str, str]] = {}
    for env_name in (request.layer.env_name, *(layer.env_name for layer in request.lower)):
        for name, version in _installed(builds / env_name / site_dir):
            shown, holder = found.setdefault(name, (version, env_name))
            if shown != version and not _meet_below(request, {holder, env_name}):
                yield (
                    f"in layer '{request.layer.env_name}', imports find {name} {shown} of layer '{holder}', and so "
                    f"does layer '{env_name}', which was locked with {name} {version}; require one version in both"
                )


def _meet_below(request: LinkRequest, env_names: set[str]) -> bool:
    return any(env_names <= {layer.env_name, *layer.below} for layer in request.lower)


def _installed(site: Path) -> Iterator[tuple[str, str]]:
    """Normalised name and version of each distribution in a site-packages folder."""
    for folder in sorted(site.glob("*.dist-info")):
        name, _, version = folder.name.removesuffix(".dist-info").partition("-")
        yield canonicalize_name(name), version
