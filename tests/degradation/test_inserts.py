"""Inserts: where they lie and how strong they are."""

import numpy as np
import pytest

from medddim.degradation.inserts import Insert
from medddim.errors import RequestProblem


def test_an_insert_is_whole_inside_half_at_its_edge_and_nothing_outside():
    box, profile = Insert((10.0, 10.0, 10.0), (4.0, 4.0, 4.0)).profile((21, 21, 21))
    there = np.zeros((21, 21, 21))
    there[box] = profile
    assert there[10, 10, 7:14].min() == 1
    assert there[10, 10, 6] == there[14, 10, 10] == pytest.approx(0.5)
    assert there[10, 10, 15] == 0
    assert profile.sum() == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.03)


def test_a_rim_leaves_its_core_as_it_was():
    _, profile = Insert((10.0, 10.0, 10.0), (8.0, 8.0, 8.0), "rim").profile((21, 21, 21))
    middle = tuple(n // 2 for n in profile.shape)
    assert profile[middle] == 0
    assert profile.max() == 1


@pytest.mark.parametrize("wrong", [{"radii": (1.0, 0.0, 1.0)}, {"kind": "cube"}])
def test_what_is_no_insert_is_refused(wrong):
    with pytest.raises(RequestProblem, match="expected an insert"):
        Insert(**({"centre": (1.0, 1.0, 1.0), "radii": (1.0, 1.0, 1.0)} | wrong))
