"""A support module: placed beside the launch module, imported by its plain name."""

SPECIES = {"frog": "🐸", "newt": "🦎"}


def describe(species: str, growth: float) -> str:
    """One line about a species and its yearly growth (a fraction)."""
    return f"{SPECIES[species]} {species}: {growth:+.1%} a year"
