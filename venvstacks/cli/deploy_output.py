"""The results of the commands about deployments, as text for people and as JSON data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from venvstacks.deployment.release_steps import release_lines
from venvstacks.insight.readable import readable_bytes

if TYPE_CHECKING:
    from venvstacks.api.deployment_status import Status
    from venvstacks.deployment.steps.deploy import Deployed
    from venvstacks.deployment.steps.update_plan import Update


def number_of_layers(removed: tuple[str, ...]) -> str:
    """How many layers were removed, in words."""
    return f"{len(removed)} old layer{'' if len(removed) == 1 else 's'}"


def deployed_lines(done: Deployed, seconds: float, *, later: bool = False) -> Iterator[str]:
    """The result of a deploy as text."""
    titles = {"fetched": done.fetched, "by deltas": done.updated, "copied": done.rebound, "kept": done.kept}
    for title, names in titles.items():
        if names:
            yield f"{title}: {', '.join(names)}"
    for name in done.left_alone:
        yield f"warning: '{name}' is installed, but not offered: it stays as it is"
    if done.signer:
        yield f"signed by {done.signer}{': this deployment trusts nobody else from now on' * done.newly_trusted}"
    yield from release_lines(done.releases)
    if not done.changed:
        yield f"nothing to do: generation {done.generation.number} is current"
        return
    what = "prepared, `activate` makes it current" if later else f"generation {done.generation.number}"
    yield f"{what}: {', '.join(done.generation.applications)}"
    yield f"{readable_bytes(done.bytes_fetched)} fetched, {number_of_layers(done.removed)} removed in {seconds:.2f} s"


def deployed_data(done: Deployed) -> dict[str, Any]:
    """The result of a deploy as JSON data."""
    data = {field.name: getattr(done, field.name) for field in fields(done)}
    releases = [asdict(step) for step in done.releases]
    return {**data, "generation": done.generation.data(), "releases": releases}


def update_lines(found: Update) -> Iterator[str]:
    """What a deploy would change, as text."""
    if found.signer:
        yield f"signed by {found.signer}"
    yield from release_lines(found.releases)
    if found.older:
        yield "this is older than what is installed: it needs --allow-downgrade"
    if not found.changed:
        yield "nothing new: what is installed is what is offered"
        return
    for title, names in (("to fetch", found.fetch), ("to copy", found.copy), ("to keep", found.keep)):
        if names:
            yield f"{title}: {', '.join(names)}"
    for name in found.left_alone:
        yield f"not offered, so it would stay as it is: {name}"
    yield f"{readable_bytes(found.bytes_to_fetch)} to fetch, {readable_bytes(found.bytes_on_disk)} more on the disk"


def status_lines(found: Status) -> Iterator[str]:
    """The state of a deployment as text."""
    generation = found.generation
    others = [number for number in found.kept if number != generation.number]
    yield f"{found.root}: generation {generation.number} of {generation.created}, from {generation.source}"
    width = max((len(one.target) for one in generation.instances), default=0)
    releases = {generation.applications[name]: release for name, release in generation.releases.items()}
    for one in reversed(generation.instances):
        why = "installed" if one.kind == "application" else f"for {', '.join(generation.needed_by[one.id])}"
        why += f", release {releases[one.id]}" if one.id in releases else ""
        yield f"  {one.target:<{width}}  {found.disk_use.get(one.id, one.size) / 1e6:8.1f} MB  {one.id}  {why}"
    yield f"other generations that are kept: {', '.join(map(str, others)) or 'none'}"
    if found.disk_use:
        total, needed = sum(found.disk_use.values()), sum(found.disk_use.get(one.id, 0) for one in generation.instances)
        yield f"{total / 1e6:.1f} MB on the disk, {(total - needed) / 1e6:.1f} MB of it for other generations"
    if found.trust:
        yield f"signed by {found.trust.signer}"
        yield f"verified {found.trust.verified:%Y-%m-%d %H:%M} UTC, valid until {found.trust.valid_until:%Y-%m-%d}"
    if found.differences is not None:
        yield from map(str, found.differences)
        count = len(found.differences)
        yield f"{count} difference{'s' * (count > 1)}" if count else "every file is as it was published"


def status_data(found: Status) -> dict[str, Any]:
    """The state of a deployment as JSON data."""
    data: dict[str, Any] = {
        "root": str(found.root),
        "generation": found.generation.data(),
        "kept": list(found.kept),
        "disk_use": dict(found.disk_use),
    }
    if found.trust:
        unshown = {"pinned", "roots", "timestamp", "snapshot", "targets"}
        data["trust"] = {key: value for key, value in found.trust.data().items() if key not in unshown}
    if found.differences is not None:
        data["differences"] = [asdict(one) for one in found.differences]
    return data
