"""Integers of floats: what does not fit them is said."""

import numpy as np

from medddim.formats.quantise import said_of_clipped


def test_it_is_said_by_how_much_at_most_voxels_were_clipped() -> None:
    values = np.float32([9.5, 400.0])
    for slope, intercept, most in ((1, 10, 135), (-1, 265, 135), (2, 10, 0.5)):
        found = said_of_clipped(values, np.dtype("u1"), slope=slope, intercept=intercept)
        assert found == f"voxels clipped by {most:g} at most"
