"""Where the slices of a result lie, by affines alone."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from medddim.formats.dicom.placement import is_same_grid


def placed(shape: Any = (7, 5, 3), **changed: float) -> Any:
    """With a corner far from the origin; `xy=1` adds 1 to row x, column y of the affine."""
    affine = np.diag([0.75, 1.25, 3.5, 1.0])
    affine[:3, 3] = -200, 180, 1500
    for place, value in changed.items():
        affine["xyz".index(place[0]), "ijkt".index(place[1])] += value
    return cast(Any, SimpleNamespace(affine=affine, shape=shape))


@pytest.mark.parametrize("place", ["xt", "yt", "zt", "xi", "zk", "xk"])
def test_a_grid_is_the_same_to_a_tenth_of_a_micrometre_wherever_it_lies(place: str) -> None:
    assert is_same_grid(placed(), placed())
    for sign in (-1, 1):
        assert is_same_grid(placed(**{place: sign * 0.9e-4}), placed())
        assert not is_same_grid(placed(**{place: sign * 1.1e-4}), placed())


@pytest.mark.parametrize("shape", [(7, 5, 4), (5, 7, 3)])
def test_another_shape_is_another_grid(shape: Any) -> None:
    assert not is_same_grid(placed(shape), placed())
