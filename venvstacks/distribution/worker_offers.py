"""What a worker offers: its platform, and the versions that results depend on.

Pure. An offer is the name of a resource in Dask's terms, so that Dask itself sends tasks only to workers whose offer is
the one that a run asks for, also to workers that start during the run. It reads
`venvstacks/linux_x86_64/python-3.11/venvstacks-1.0/uv-0.13.0/...` and can be given to `dask worker --resources`, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from venvstacks.model.platforms import TargetPlatform

_START = "venvstacks/"
_UNFIT = re.compile(r"[\s,=/]")  # separates or ends names where resources are written as text


@dataclass(frozen=True)
class Offer:
    """What a worker can do, or what a run asks of workers.

    Attributes:
        platform: Name of the platform of its machine.
        versions: Versions of what results and messages depend on, by name.
    """

    platform: str
    versions: Mapping[str, str]

    @classmethod
    def of(cls, platform: TargetPlatform, tools: Mapping[str, str], distributed: str) -> Offer:
        """The offer of a machine.

        Args:
            platform: The machine's platform.
            tools: Versions of the tools that shape results; of Python, only the series counts.
            distributed: Version of Dask's `distributed`.
        """
        python = ".".join(tools["python"].split(".")[:2])
        return cls(platform.name, {**tools, "python": python, "distributed": distributed})

    @classmethod
    def parse(cls, resource: str) -> Offer | None:
        """The offer that the name of a resource states; None for other resources."""
        if not resource.startswith(_START):
            return None
        platform, *rest = resource.removeprefix(_START).split("/")
        return cls(platform, {name: version for name, _, version in (part.partition("-") for part in rest)})

    @property
    def resource(self) -> str:
        """The name of the resource."""
        parts = (f"{name}-{_UNFIT.sub('_', version)}" for name, version in sorted(self.versions.items()))
        return _START + "/".join((self.platform, *parts))

    def differences(self, other: Offer) -> tuple[str, ...]:
        """What another offer has instead, in words."""
        mine, theirs = Offer.parse(self.resource) or self, other
        found = [f"is {theirs.platform}"] if theirs.platform != self.platform else []
        for name, wanted in sorted(mine.versions.items()):
            had = theirs.versions.get(name)
            if had != wanted:
                found.append(f"has {name} {had}" if had else f"has no {name}")
        return tuple(found)

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))
        return f"{self.platform}: {versions}"


def refusals(wanted: Offer, workers: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Workers that offer something else, by name: what is wrong about each.

    Args:
        wanted: What a run asks for.
        workers: The resources of each worker.
    """
    found = {}
    for name, resources in workers.items():
        offers = [offer for resource in resources if (offer := Offer.parse(resource))]
        if wanted.resource in resources or not offers:
            continue
        found[name] = " and ".join(wanted.differences(offers[0]))
    return found
