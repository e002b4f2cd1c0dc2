"""The service that the application asks: no network, just a function from request to response."""

import httpx

POND_URL = "http://pond.invalid"  # a name that never resolves (RFC 2606): a stray real request would fail

_YEARS = 8
_FIRST_COUNT_AND_FACTOR = {"frog": (120, 1.25), "newt": (400, 0.9)}


def answer(request: httpx.Request) -> httpx.Response:
    """Yearly counts of one species: `/counts/<species>`."""
    species = request.url.path.rpartition("/")[2]
    if species not in _FIRST_COUNT_AND_FACTOR:
        return httpx.Response(404, json={"error": f"no {species} in this pond"})
    first, factor = _FIRST_COUNT_AND_FACTOR[species]
    return httpx.Response(200, json={"counts": [first * factor**year for year in range(_YEARS)]})
