"""Making bundles: an application, its layers, a Python and the deployer in one file, for machines without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.bundling.bundle_file import BundleRequest, MadeBundle, write_bundle
from venvstacks.bundling.older_packages import older_packages
from venvstacks.bundling.recorded_source import RecordedSource
from venvstacks.deployment.offers import find_application
from venvstacks.deployment.steps.bundled_source import open_source_or_bundle
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.published_offer import read_offer
from venvstacks.deployment.steps.signed_source import SignedSource, trusted_source
from venvstacks.errors import DeployError
from venvstacks.model.platforms import TargetPlatform
from venvstacks.tools.process import Processes
from venvstacks.tools.transfer import Downloads
from venvstacks.trust.trust_record import TrustRecord
from venvstacks.urls import is_open_to_others


@dataclass(frozen=True)
class WantedBundle:
    """A bundle that is wanted.

    Attributes:
        source: Folder or http(s) URL of published artifacts, or another bundle.
        output: The file to write.
        platform: The target platform.
        version: The version of this program.
        applications: Names of the applications; empty for all that are offered.
        trusted: The publisher's root or its fingerprint; None for the source's own.
    """

    source: str
    output: Path
    platform: TargetPlatform
    version: str
    applications: Sequence[str] = ()
    trusted: str | None = None


def make_bundle(wanted: WantedBundle, options: DeployOptions | None = None) -> tuple[MadeBundle, TrustRecord | None]:
    """Write a bundle.

    Returns:
        The bundle, and what was verified; None where the publication is not signed.

    Raises:
        UsageError: There is no such source or application, or its Python cannot run the deployer.
        DeployError: What is published is damaged, or nothing for that platform.
        TrustError: It is not signed as it has to be.
        TransferError: Something cannot be fetched.
        PublishError: The bundle cannot be written.
    """
    options = options or DeployOptions()
    now = options.tools(Place(wanted.output.parent)).now()
    with Downloads(options.environment, options.progress, pauses=options.retry_pauses) as downloads:
        recorded = RecordedSource(open_source_or_bundle(wanted.source, lambda: downloads))
        source = trusted_source(recorded, None, None, now)  # from the first root on, as new deployments do it
        if wanted.trusted is not None:
            source = trusted_source(recorded, None, wanted.trusted, now)
        signed = source.record if isinstance(source, SignedSource) else None
        if signed is None and is_open_to_others(wanted.source):
            options.warn(f"{source.label} is neither encrypted nor signed: it can be changed on its way")
        offer = read_offer(source, wanted.platform)
        names = tuple(find_application(name, offer.applications) or name for name in wanted.applications)
        if not offer.applications:
            raise DeployError(f"{source.label} offers no application", hint="publish an application layer")
        request = BundleRequest(
            source=source,
            recorded=recorded.files,
            offer=offer,
            platform=wanted.platform,
            applications=tuple(dict.fromkeys(names or offer.applications)),
            output=wanted.output,
            version=wanted.version,
            signed=signed is not None,
            older=lambda: older_packages(wanted.output.absolute().parent, options.environment, Processes()),
            threads=options.threads,
        )
        return write_bundle(request), signed
