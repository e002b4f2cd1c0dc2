"""Jobs of CI systems made of plans: one for each platform that has something to do.

Each job publishes one platform, with tagged names, so that `join` can make one publication of all. The one that makes
the plan needs no Python of another platform: plans are the same on all machines.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvstacks.planning.forecast import Plan

FORMS = ("github-matrix", "gitlab")

_RUNNERS = {
    "linux_x86_64": "ubuntu-latest",
    "linux_aarch64": "ubuntu-24.04-arm",
    "macosx_arm64": "macos-latest",
    "macosx_x86_64": "macos-15-intel",
    "win_amd64": "windows-latest",
    "win_arm64": "windows-11-arm",
}
"""GitHub's own runners."""


@dataclass(frozen=True)
class JobSource:
    """What jobs are made from.

    Attributes:
        plans: The plan of each platform, by its name.
        specification: Path of the specification in the repository, with forward slashes.
        output: The same of the folder of published archives.
        version: Version of this program, which jobs install.
    """

    plans: Mapping[str, Plan]
    specification: str
    output: str
    version: str

    @property
    def busy(self) -> dict[str, Plan]:
        """The platforms that have something to do."""
        return {name: plan for name, plan in self.plans.items() if not plan.is_idle}

    def text(self, form: str) -> str:
        """The jobs as a CI system reads them; `form` is one of `FORMS`."""
        return self.github_matrix() if form == "github-matrix" else self.gitlab_pipeline()

    def github_matrix(self) -> str:
        """The matrix of a job, as one line of JSON for `fromJSON`; `include` is empty if there is nothing to do."""
        rows = [
            {
                "platform": name,
                "runner": _RUNNERS[name],
                "tasks": sum(task.status in {"run", "maybe", "cached"} for task in plan),
            }
            for name, plan in self.busy.items()
        ]
        return json.dumps({"include": rows}, separators=(",", ":"))

    def gitlab_pipeline(self) -> str:
        """A child pipeline: jobs on Linux that publish, also for other platforms, and one that joins what they made."""
        build = ["venvstacks", "build", self.specification, "--publish", "--locked", "--tag-outputs", "--platform"]
        jobs = [
            _job(name, "publish", [shlex.join([*build, name]), shlex.join(["mv", self.output, part])], artifacts=part)
            for name, part in ((name, f"part-{name}") for name in self.busy)
        ]
        if not jobs:
            return 'nothing-to-do:\n  script: ["true"]'  # a pipeline needs a job
        parts = [f"part-{name}" for name in self.busy]
        joined = _job("join", "join", [shlex.join(["venvstacks", "join", self.output, *parts])], artifacts=self.output)
        head = ["stages: [publish, join]", "", "default:", '  image: "python:3.12"', "  before_script:"]
        head.append(f"    - {json.dumps(f'pip install venvstacks=={self.version}')}")
        return "\n".join([*head, *(line for job in (*jobs, joined) for line in ("", *job))])


def _job(name: str, stage: str, script: Sequence[str], *, artifacts: str) -> list[str]:
    """A job of GitLab's; texts of JSON are texts of YAML, too."""
    return [
        f"{name}:",
        f"  stage: {stage}",
        "  script:",
        *(f"    - {json.dumps(line)}" for line in script),
        "  artifacts:",
        f"    paths: [{json.dumps(artifacts)}]",
    ]
