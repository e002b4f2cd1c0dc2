from __future__ import annotations

import pytest

from venvstacks.distribution.worker_offers import Offer, refusals
from venvstacks.model.platforms import PLATFORMS

TOOLS = {"venvstacks": "1.0", "uv": "0.13.9", "zlib": "1.3.1.zlib-ng", "python": "3.11.7"}
OFFER = Offer.of(PLATFORMS["linux_x86_64"], TOOLS, "2026.8.0")


def offer(**tools: str) -> Offer:
    return Offer.of(PLATFORMS["linux_x86_64"], {**TOOLS, **tools}, "2026.8.0")


def test_an_offer_is_the_name_of_a_resource() -> None:
    assert Offer.parse(OFFER.resource) == OFFER
    assert Offer.parse("GPU") is None
    assert not set(" ,=") & set(OFFER.resource), "dask worker --resources splits there"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (offer(uv="0.12"), ("has uv 0.12",)),
        (offer(venvstacks="2", uv="0.12"), ("has uv 0.12", "has venvstacks 2")),
        (offer(python="3.12.1"), ("has python 3.12",)),
        (Offer("win_amd64", OFFER.versions), ("is win_amd64",)),
        (Offer("linux_x86_64", {**OFFER.versions, "uv": ""}), ("has no uv",)),
    ],
)
def test_what_differs_is_named(other: Offer, why: tuple[str, ...]) -> None:
    assert other.resource != OFFER.resource
    assert OFFER.differences(other) == why


def test_releases_of_one_python_series_are_equal() -> None:
    assert offer(python="3.11.9").resource == OFFER.resource


def test_versions_with_odd_characters_do_not_differ_from_themselves() -> None:
    odd = offer(uv="0.13 (a/b=c, d)")
    parsed = Offer.parse(odd.resource)
    assert parsed is not None
    assert odd.differences(parsed) == ()


def test_refused_workers_are_those_that_offer_something_else() -> None:
    workers = {"same": [OFFER.resource], "others": ["GPU"], "old": [offer(uv="0.1").resource], "none": []}
    assert refusals(OFFER, workers) == {"old": "has uv 0.1"}
