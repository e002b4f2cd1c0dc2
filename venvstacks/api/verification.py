"""Verifying published archives by a second build, which another thread can cancel."""

from __future__ import annotations

from venvstacks.engine.cancellation import Cancellation
from venvstacks.loading.project import Project
from venvstacks.reproducing import Verification, Verified, reproduce
from venvstacks.tools.process import Processes


def verify(project: Project, wanted: Verification, *, cancellation: Cancellation | None = None) -> tuple[Verified, ...]:
    """Build and publish the selected layers again, and compare their archives with the published ones.

    Args:
        project: The project.
        wanted: Which layers, and how the second build is made.
        cancellation: Lets another thread end the verification.

    Raises:
        UsageError: Nothing is published, or the folder of the second build is not empty.
        PublishError: The second build failed.
        InterruptedRunError: Another thread cancelled the verification.
    """
    processes = Processes()
    with (cancellation or Cancellation()).calling(processes.stop):
        return reproduce(project, wanted, processes)
