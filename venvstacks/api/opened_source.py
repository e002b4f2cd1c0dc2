"""Opening a source for a deployment: whose publications are trusted there, what was verified, and what is offered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.api.machine_platform import this_glibc, this_platform
from venvstacks.deployment.steps.bundled_source import open_source_or_bundle
from venvstacks.deployment.steps.deploy_failures import not_deployed
from venvstacks.deployment.steps.phase_counter import PhaseCounter
from venvstacks.deployment.steps.place import Place
from venvstacks.deployment.steps.publication_source import Source
from venvstacks.deployment.steps.published_offer import read_offer
from venvstacks.deployment.steps.signed_source import SignedSource, read_trust, trusted_source, write_trust
from venvstacks.deployment.steps.update_plan import DeployRequest
from venvstacks.errors import DeployError, TrustError
from venvstacks.tools.process import Processes
from venvstacks.tools.transfer import DOWNLOADING, Downloads
from venvstacks.trust.trust_record import TrustRecord
from venvstacks.urls import is_open_to_others


@dataclass(frozen=True)
class Wanted:
    """What is to be deployed where, and whom to trust; arguments of `deploy` and `check`.

    Attributes:
        source: Folder or URL of the artifacts, or a bundle.
        place: The deployment.
        applications: Layer names; None for those that are installed, or for all that are offered.
        trusted: A file with root metadata, or its fingerprint; None for whom the deployment trusts already.
    """

    source: str
    place: Place
    applications: tuple[str, ...] | None
    trusted: str | None


@contextlib.contextmanager
def opened_request(
    wanted: Wanted, record: TrustRecord | None, options: DeployOptions, processes: Processes
) -> Iterator[DeployRequest]:
    """A request with what the source offers now; its connections are closed at the end of the block.

    Args:
        wanted: What is to be deployed.
        record: Whom the deployment trusts; None if it does not follow signed publications.
        options: Callbacks, environment.
        processes: Ends downloads when it is stopped.

    Raises:
        UsageError: There is no such source, or it has no such application.
        DeployError: The source cannot be read, or is not signed as it has to be.
    """
    machine, place, phases = this_platform(), wanted.place, PhaseCounter(options.on_phase)

    def arrived(what: str, done: int, total: int | None) -> None:
        phases.held(what.removeprefix(DOWNLOADING), done)
        if options.progress is not None:
            options.progress(what, done, total)

    downloads = Downloads(
        options.environment,
        arrived,
        pauses=options.retry_pauses,
        stopping=lambda: processes.stopping,
        rate=options.limit_rate,
    )
    with downloads:
        source = open_source_or_bundle(wanted.source, lambda: downloads)
        with not_deployed(place.root):
            source = _trusted(wanted, source, record, options)
            offer = read_offer(source, machine)
        offer.closure(wanted.applications or ())
        floor = source.record.releases if isinstance(source, SignedSource) else {}
        yield DeployRequest(
            place,
            source,
            offer,
            machine,
            wanted.applications,
            options.warn,
            floor=floor,
            glibc=this_glibc(),
            phases=phases,
        )


def _trusted(wanted: Wanted, source: Source, record: TrustRecord | None, options: DeployOptions) -> Source:
    """The source as far as it is signed; roots that were verified before a refusal are kept all the same."""
    place = wanted.place
    try:
        trusted = trusted_source(source, record, wanted.trusted, options.tools(place).now())
    except TrustError as error:
        if record is not None and error.roots and place.marker.exists():
            write_trust(place, replace(record, roots=error.roots))
        raise
    if is_open_to_others(wanted.source) and not isinstance(trusted, SignedSource):
        options.warn(f"{trusted.label} is neither encrypted nor signed: it can be changed on its way")
    return trusted


def keep_trust(request: DeployRequest, before: TrustRecord | None) -> None:
    """Record what was verified, before anything is installed.

    Args:
        request: With the opened source; nothing is recorded of one that is not signed.
        before: Whom the deployment trusted before.

    Raises:
        DeployError: Another process has changed the deployment meanwhile, or the record cannot be written.
    """
    if not isinstance(request.source, SignedSource):
        return
    with not_deployed(request.place.root):
        if before is None and read_trust(request.place) is not None:
            raise DeployError(
                f"another process has changed {request.place.root} meanwhile", hint="run the command again"
            )
        write_trust(request.place, request.source.record)


def signer_of(request: DeployRequest) -> str | None:
    """Who has signed what is offered; None where it is not signed."""
    return request.source.record.signer if isinstance(request.source, SignedSource) else None
