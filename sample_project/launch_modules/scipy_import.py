"""The simplest application: a module that uses what its framework layer provides.

Run in a built environment with `python -m scipy_import`.
"""

import math

from scipy.integrate import quad
from scipy.linalg import solve
from scipy.special import comb


def main() -> None:
    """Compute three things with known answers: adaptive quadrature, LAPACK, and a special function."""
    area, _ = quad(lambda x: math.exp(-x * x), -math.inf, math.inf)
    print(f"area under exp(-x^2): {area:.6f} (expected {math.sqrt(math.pi):.6f})")

    x, y = solve([[2.0, 1.0], [1.0, 3.0]], [3.0, 5.0])
    print(f"2x + y = 3 and x + 3y = 5: x = {x:.1f}, y = {y:.1f}")

    print(f"hands of 5 out of 52 cards: {comb(52, 5, exact=True)}")


if __name__ == "__main__":
    main()
