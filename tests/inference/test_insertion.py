"""Inserts put into a scan at places of even tissue, and what an answer keeps of them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.inference.insertion import GAP, even_places, kept, plant, with_inserts
from medddim.volume import Volume

SPACING = (1.0, 1.0, 2.0)
WANTED = [(size, times) for times in (1.0, 4.0) for size in (6.0, 4.0, 2.0)]


@pytest.fixture
def scan(rng):
    tissue = 100 + 40 * (np.arange(80)[:, None, None] > 52)
    return (tissue + rng.normal(0, 5, (80, 72, 16))).astype(np.float32)


def planted_in(scan, **how):
    return planted_of(volume(scan), WANTED, np.random.default_rng(1), **how)


def planted_of(image, wanted, generator, *, floor=20.0, margin=(0, 0, 0)):
    among = {"floor": floor, "generator": generator}
    places = even_places(image, [size for size, _ in wanted], margin=margin, **among)
    return plant(image, wanted, places, noise=5.0, **among)


def volume(scan):
    return Volume(scan[None], np.diag([*SPACING, 1.0]), modality="MR")


def test_a_method_that_keeps_a_known_share_is_found_to_keep_it(scan):
    planted = planted_in(scan)
    there = with_inserts(scan, planted)
    found = list(kept(0.7 * there - 0.7 * scan, planted))
    assert len(found) == len(WANTED)
    assert [(one.diameter_mm, one.times_noise) for one in found] == WANTED
    assert [one.share for one in found] == pytest.approx([0.7] * 6, abs=1e-4)


def test_all_inserts_in_one_pass_are_found_as_each_by_itself(scan):
    planted = planted_in(scan)

    def share(some):
        difference = gaussian_filter(with_inserts(scan, some), 2) - gaussian_filter(scan, 2)
        return [one.share for one in kept(difference, some)]

    alone = [share([one])[0] for one in planted]
    assert share(planted) == pytest.approx(alone, abs=0.01)
    assert max(alone) - min(alone) > 0.2  # it is the small ones that a blur takes


def test_they_lie_in_even_tissue_apart_from_each_other_and_inside(scan):
    planted = planted_in(scan, margin=(4, 4, 1))
    for one in planted:
        centre, radii = np.array(one.insert.centre), np.array(one.insert.radii)
        low, high = centre - radii, centre + radii
        assert (low >= np.array([4, 4, 1]) - 0.5).all()
        assert (high <= np.array(scan.shape) - np.array([5, 5, 2]) + 0.5).all()
        assert not low[0] < 52.5 < high[0]  # the edge between the tissues
    for number, one in enumerate(planted):
        for other in planted[:number]:
            apart = np.abs(np.array(one.insert.centre) - other.insert.centre)
            radii = np.array(one.insert.radii) + other.insert.radii
            assert (apart - radii).max() >= GAP - 1


def test_the_same_seed_gives_the_same_places(scan):
    assert planted_in(scan) == planted_in(scan)


def test_where_there_is_no_tissue_there_is_no_insert(scan):
    assert planted_in(scan, floor=1000.0) == []


def test_none_is_dark_where_it_would_turn_tissue_into_air(scan):
    assert all(one.contrast > 0 for one in planted_in(scan, floor=99.0) if one.contrast == 20)


def test_the_matched_filter_knows_the_snr_of_an_insert(scan, rng):
    generator = np.random.default_rng(0)
    (one,) = planted_of(volume(scan), [(6.0, 2.0)], generator, floor=0.0)
    _, profile = one.insert.profile(scan.shape)
    answers = [float((profile * rng.normal(0, 5, profile.shape)).sum()) for _ in range(4000)]
    (found,) = kept(np.zeros_like(scan), [one])
    assert found.snr == pytest.approx(10 * (profile**2).sum() / np.std(answers), rel=0.05)
