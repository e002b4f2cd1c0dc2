"""Whether a source offers something new for a deployment, and what an update would change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from venvstacks.api.deployment_options import DeployOptions
from venvstacks.api.opened_source import Wanted, opened_request, signer_of
from venvstacks.deployment.steps.generations import look
from venvstacks.deployment.steps.place import look_at_place
from venvstacks.deployment.steps.signed_source import read_trust
from venvstacks.deployment.steps.update_plan import Update, preview
from venvstacks.tools.process import Processes


def check(
    source: str,
    folder: Path | str,
    applications: Sequence[str] | None = None,
    options: DeployOptions | None = None,
    *,
    trusted: str | None = None,
) -> Update:
    """What `deploy` with the same arguments would change now; nothing is written.

    Raises:
        UsageError: There is no such source, or it has no such application.
        DeployError: The source or the deployment cannot be read.
    """
    options = options or DeployOptions()
    processes = Processes()
    place = look_at_place(Path(folder))
    wanted = Wanted(source, place, None if applications is None else tuple(applications), trusted)
    with opened_request(wanted, read_trust(place), options, processes) as request:
        found = look(place, lambda: preview(request, options.tools(place, processes)))
        return replace(found, signer=signer_of(request))
