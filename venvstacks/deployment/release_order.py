"""The order of releases (PEP 440), for releases in the normal form in which they are recorded."""

from __future__ import annotations

import re
from typing import Any

NORMAL_FORM = re.compile(
    r"(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:(a|b|rc)([0-9]+))?(?:\.post([0-9]+))?(?:\.dev([0-9]+))?"
)
"""A version in the normal form of PEP 440, without a local part."""

LONGEST = 200
"""Characters of a release."""


def order(release: str) -> tuple[Any, ...]:
    """A value that sorts as PEP 440 sorts the release.

    Raises:
        ValueError: It is not in the normal form.
    """
    found = NORMAL_FORM.fullmatch(release)
    if found is None or len(release) > LONGEST:
        raise ValueError(f"{release!r:.100} is not a version in the normal form of PEP 440")
    epoch, numbers, phase, phase_number, post, dev = found.groups()
    release_numbers = [int(one) for one in numbers.split(".")]
    while release_numbers[-1:] == [0]:
        release_numbers.pop()
    is_early = dev is not None and post is None  # such a development release comes before all pre-releases
    before = (0, phase, int(phase_number)) if phase else (-1 if is_early else 1, "", 0)
    after = -1 if post is None else int(post)
    development = (1, 0) if dev is None else (0, int(dev))
    return int(epoch or 0), release_numbers, before, after, development
