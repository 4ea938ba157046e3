"""One contract for every way to degrade a scan."""

import numpy as np
import pytest

from medddim import degradation
from medddim.degradation import RicianNoise, ThickSlices
from medddim.errors import MedddimError
from medddim.volume import Volume
from tests.phantoms import head, oblique

EXAMPLES = [
    RicianNoise(level=0.1),
    ThickSlices(thickness_mm=6.0),
    ThickSlices(thickness_mm=7.0, profile="gaussian", gap_mm=1.0),
]
every_degradation = pytest.mark.parametrize("degrade", EXAMPLES, ids=str)


def scan():
    voxels = head((24, 22, 12)).voxels
    two = np.concatenate([voxels, voxels[:, ::-1]])
    return Volume(two, oblique((1.0, 1.0, 3.0)), "MR", "a.u.", source="header")


def degraded(degrade, volume, seed=0):
    return degrade(volume, np.random.default_rng(seed))


def test_every_degradation_is_here():
    offered = set(degradation.__all__) - {"Degradation"}
    assert {type(example).__name__ for example in EXAMPLES} == offered


@every_degradation
def test_the_same_seed_gives_the_same_scan(degrade):
    one, other = (degraded(degrade, scan(), seed=4) for _ in range(2))
    assert np.array_equal(one.voxels, other.voxels)


@every_degradation
def test_it_leaves_its_input_alone_and_does_something(degrade):
    volume = scan()
    result = degraded(degrade, volume)
    assert np.array_equal(volume.voxels, scan().voxels)
    assert not np.array_equal(result.voxels, volume.voxels)


@every_degradation
def test_what_the_scan_is_stays(degrade):
    result = degraded(degrade, scan())
    assert (result.modality, result.unit, result.source) == ("MR", "a.u.", "header")
    assert result.channels == 2
    assert result.orientation == scan().orientation
    assert np.isfinite(result.voxels).all()


@every_degradation
def test_an_empty_scan_stays_empty(degrade):
    volume = scan()
    assert (degraded(degrade, volume.with_voxels(volume.voxels * 0)).voxels == 0).all()


@every_degradation
def test_it_follows_the_gain_of_the_scanner(degrade):
    volume = scan()
    louder = volume.with_voxels(volume.voxels * 4)
    assert np.allclose(
        degraded(degrade, louder).voxels, 4 * degraded(degrade, volume).voxels, rtol=1e-5, atol=1e-3
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: RicianNoise(level=-0.1),
        lambda: RicianNoise(level=5),
        lambda: RicianNoise(level=float("nan")),
        lambda: ThickSlices(thickness_mm=0),
        lambda: ThickSlices(thickness_mm=float("nan")),
        lambda: ThickSlices(thickness_mm=2, gap_mm=-1),
        lambda: ThickSlices(thickness_mm=2, profile="square"),
    ],
)
def test_impossible_parameters_are_refused_at_once(make):
    with pytest.raises(MedddimError, match=r"expected|unknown"):
        make()
