"""Structure that was planted lights up; noise that was taken away does not."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.metrics.invention import BEYOND_CHANCE, invented, summarised
from tests.phantoms import head

NOISE = 20.0
RADIUS, DISCS = 3, 24


@pytest.fixture
def pair(rng):
    """A head with noise, and an answer that has lost the noise and some of what is fine."""
    clean = head((128, 120, 6)).voxels[0]
    return clean + rng.normal(0, NOISE, clean.shape).astype(np.float32), gaussian_filter(
        clean, (0.7, 0.7, 0)
    )


def places(rng, shape):
    return [
        (int(rng.integers(30, shape[0] - 30)), int(rng.integers(30, shape[1] - 30)), int(k))
        for k in rng.integers(0, shape[2], DISCS)
    ]


def disc(shape, place):
    x, y = (np.arange(n) for n in shape[:2])
    return np.hypot(x[:, None] - place[0], y[None] - place[1]) <= RADIUS


def auroc(there, absent):
    there, absent = np.asarray(there)[:, None], np.asarray(absent)[None]
    return float(np.mean((there > absent) + 0.5 * (there == absent)))


def test_planted_discs_of_three_times_the_noise_are_separated_from_places_without(pair, rng):
    scan, answer = pair
    planted = answer.copy()
    where, elsewhere = places(rng, scan.shape), places(rng, scan.shape)
    for number, place in enumerate(where):
        planted[..., place[2]][disc(scan.shape, place)] += 3 * NOISE * (-1) ** number
    with_them, without = (invented(a, scan, slice_axis=2) for a in (planted, answer))

    def seen(deviations, some):
        return [deviations[..., p[2]][disc(scan.shape, p)].max() for p in some]

    assert auroc(seen(with_them, where), seen(without, elsewhere)) >= 0.9


def test_nothing_stands_out_where_noise_alone_was_taken_away(rng):
    clean = head((96, 90, 6)).voxels[0]
    scan = clean + rng.normal(0, NOISE, clean.shape).astype(np.float32)
    found = summarised(invented(clean, scan, slice_axis=2, inside=clean > 0), clean > 0)
    assert found.share < 1e-3
    same = summarised(invented(scan, scan, slice_axis=2), clean > 0)
    assert (same.share, same.most) == (0, 0)
    assert same.words == "nothing stands out in the result that the scan does not hold"


def test_the_share_and_the_sentence_tell_of_what_was_planted(pair):
    scan, answer = pair
    planted = answer.copy()
    planted[..., 3][disc(scan.shape, (64, 60, 3))] += 10 * NOISE
    inside = np.ones(scan.shape, dtype=bool)
    found = summarised(invented(planted, scan, slice_axis=2), inside)
    assert found.most > BEYOND_CHANCE
    assert found.share > summarised(invented(answer, scan, slice_axis=2), inside).share
    assert "look at the map" in found.words


def test_an_empty_object_has_no_invention():
    nothing = np.zeros((8, 8, 2), np.float32)
    assert summarised(invented(nothing, nothing, slice_axis=2), nothing > 0).share == 0
