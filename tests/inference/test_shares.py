"""What inserts keep: the mean over all places, although they lie where there is room for them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.degradation.inserts import Insert
from medddim.inference.insertion import Kept, Planted
from medddim.inference.shares import SLOPED, UNSURE, Found, removed
from medddim.volume import Volume

SHAPE, SIZE = (64, 48, 3), 4.0


def found_of(places, shares, noise, everywhere):
    """Inserts of one size and contrast at these places of a map of removed noise."""
    planted = [Planted(Insert(tuple(map(float, one)), (2, 2, 1)), SIZE, 1.0, 5.0) for one in places]
    found = Found({}, {})
    kept = [Kept(SIZE, 1.0, 4.0, share) for share in shares]
    found.add(kept, planted, {SIZE: np.asarray(everywhere).T}, noise)
    return list(found.lines())


def everywhere():
    return np.argwhere(np.ones(SHAPE))


def noise_along_x():
    return np.broadcast_to(np.linspace(-1, 1, SHAPE[0])[:, None, None], SHAPE)


def shares_at(places, rng, spread=0.02):
    return 0.7 - 0.2 * noise_along_x()[tuple(places.T)] + rng.normal(0, spread, len(places))


def test_inserts_where_there_is_little_noise_do_not_flatter_the_mean(rng):
    """Three quarters of them lie in the quieter half, where more is kept."""
    places = everywhere()
    quiet, loud = places[places[:, 0] < 32], places[places[:, 0] >= 32]
    some = np.concatenate([rng.choice(quiet, 45), rng.choice(loud, 15)])
    shares = shares_at(some, rng)
    (line,) = found_of(some, shares, noise_along_x(), places)
    assert line.mean == pytest.approx(0.7, abs=0.015)
    assert abs(shares.mean() - 0.7) > 0.03
    assert line.error < 0.3 * line.spread / np.sqrt(len(some))  # most of the spread is explained


def test_the_standard_error_is_that_of_the_mean_over_many_draws(rng):
    places, means, errors = everywhere(), [], []
    for _ in range(300):
        some = rng.choice(places, 40)
        (line,) = found_of(some, shares_at(some, rng, 0.1), noise_along_x(), places)
        means.append(line.mean)
        errors.append(line.error)
    assert np.mean(means) == pytest.approx(0.7, abs=0.005)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


@pytest.mark.parametrize("even", [True, False])
def test_too_few_inserts_or_even_noise_leave_the_plain_mean(rng, even):
    count = 20 if even else SLOPED - 1
    some = rng.choice(everywhere(), count)
    shares = 0.8 + rng.normal(0, 0.03, count)
    (line,) = found_of(some, shares, np.zeros(SHAPE) if even else noise_along_x(), everywhere())
    assert line.mean == pytest.approx(shares.mean())
    assert line.error == pytest.approx(shares.std(ddof=1) / np.sqrt(count))


def test_what_is_not_known_to_a_twentieth_is_left_out(rng):
    some = rng.choice(everywhere(), 12)
    assert found_of(some, rng.uniform(0, 1, 12), np.zeros(SHAPE), everywhere()) == []
    assert UNSURE == pytest.approx(0.025)


def test_removed_noise_is_seen_around_each_voxel(rng):
    noise = rng.normal(0, 1, SHAPE) * np.exp(noise_along_x())
    scan = Volume((100 + noise)[None], np.eye(4), modality="MR")
    seen = removed(scan, scan.with_voxels(np.full((1, *SHAPE), 100.0)))
    there = gaussian_filter(np.exp(2 * noise_along_x()), (5, 5, 0))
    assert np.corrcoef(seen.ravel(), np.log(there).ravel())[0, 1] > 0.9
    twice = removed(
        scan.with_voxels(2 * scan.voxels), scan.with_voxels(np.full((1, *SHAPE), 200.0))
    )
    assert (twice - seen) == pytest.approx(np.log(2), abs=1e-3)
    assert np.isfinite(removed(scan, scan)).all()
