"""Batches in their order, whoever draws them."""

from itertools import islice

import numpy as np
import pytest

from medddim.training.dataset import Pairs
from medddim.training.feed import batches


class Counting:
    """A source whose batch says which step it is for."""

    def draw(self, step):
        number = np.full((1, 1, 2, 2), step, np.float32)
        return Pairs(number, -number, number)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker")  # of one core
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_batches_come_in_the_order_of_the_steps(workers):
    drawn = islice(batches(Counting(), 7, workers=workers), 12)
    assert [float(pairs.clean.mean()) for pairs in drawn] == list(range(7, 19))
