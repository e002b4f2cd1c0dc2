"""A survey of a pond: an application that is a package, with a version, data and a console script."""

import csv
from importlib import metadata, resources

import numpy as np


def read_counts() -> dict[str, int]:
    """Animals by kind, from the data file that is part of the package."""
    text = resources.files(__name__).joinpath("counts.csv").read_text("utf-8")
    return {row["kind"]: int(row["count"]) for row in csv.DictReader(text.splitlines())}


def main() -> None:
    """Print the survey."""
    counts = read_counts()
    print(f"pond-survey {metadata.version('pond-survey')}")
    print(f"{sum(counts.values())} animals of {len(counts)} kinds, {np.mean(list(counts.values())):.1f} of each")
