"""Run in a built environment with `python -m scipy_client`."""

import sys

import amphibians
import httpx

from scipy_client.growth import fit_growth
from scipy_client.pond import POND_URL, answer


def main() -> None:
    """Ask the pond for its counts, species by species, and report how each of them grows."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")  # whatever the console says: species have non-ASCII symbols
    with httpx.Client(base_url=POND_URL, transport=httpx.MockTransport(answer)) as client:
        for species in amphibians.SPECIES:
            reply = client.get(f"/counts/{species}")
            reply.raise_for_status()
            growth = fit_growth(reply.json()["counts"])
            print(amphibians.describe(species, growth))


if __name__ == "__main__":
    main()
