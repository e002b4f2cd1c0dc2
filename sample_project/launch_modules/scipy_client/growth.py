"""What the application computes."""

import math
from collections.abc import Sequence

from scipy.stats import linregress


def fit_growth(counts: Sequence[float]) -> float:
    """Yearly growth as a fraction: the slope of a straight line through the logarithms of yearly counts."""
    fit = linregress(range(len(counts)), [math.log(count) for count in counts])
    return math.expm1(fit.slope)
