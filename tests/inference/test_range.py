"""In range, near or out: a scan among those of training, and those that are not like them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, zoom

from medddim.degradation import RicianNoise
from medddim.errors import CheckpointError, UnsupportedScan
from medddim.inference.range import RANGE, WORDS, Judgement, TrainingRange
from medddim.inference.traits import traits
from medddim.scaling import Scaling
from tests import studies
from tests.phantoms import head, textured


def scan(seed, *, noise=0.03, shape=(96, 88, 10)):
    rng = np.random.default_rng(seed)
    spacing = (1.0 + 0.1 * rng.random(), 1.0, 3.0)
    return RicianNoise(noise)(head(shape, spacing_mm=spacing), rng)


def of(volume):
    return traits(volume, scale=Scaling.fit(volume).scale)


@pytest.fixture(scope="module")
def known():
    scans = [scan(seed, noise=0.02 + 0.01 * (seed % 4)) for seed in range(10)]
    subjects = [f"s{number}" for number in range(10)]
    return TrainingRange.of([of(one) for one in scans], subjects=subjects, source="ten phantoms")


def smoothed(volume):
    return volume.with_voxels(gaussian_filter(volume.voxels, (0, 1, 1, 0)))


def upsampled(volume):
    affine = volume.affine.copy()
    affine[:3, :2] /= 2
    return replace(volume, voxels=zoom(volume.voxels, (1, 2, 2, 1), order=3), affine=affine)


def centred(volume):
    return volume.with_voxels((volume.voxels - volume.voxels.mean()) / volume.voxels.std())


def test_structure_smaller_than_a_pixel_is_not_looked_for():
    coarse = RicianNoise(0.03)(
        head((64, 60, 6), spacing_mm=(1.6, 1.6, 3.0)), np.random.default_rng(0)
    )
    assert "structure of 2 mm" not in of(coarse)
    assert "structure of 4 mm" in of(coarse)


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_a_scan_like_those_of_training_is_in_range(known, seed):
    assert known.judge(of(scan(seed))).verdict == "in"


@pytest.mark.parametrize(
    ("shifted", "reason"),
    [
        (smoothed, "finest detail|spectrum|less noise|fine detail"),
        (upsampled, "smaller|finest detail|spectrum"),
        (centred, "below 0|."),
        (lambda volume: textured((96, 88, 10)), "."),
        (lambda volume: RicianNoise(0.5)(volume, np.random.default_rng(0)), "."),
    ],
)
@pytest.mark.daily(2)
def test_one_that_is_not_is_out_and_says_why(known, shifted, reason):
    judgement = known.judge(of(shifted(scan(20))))
    assert judgement.verdict == "out"
    assert judgement.score > 1
    assert "than in the scans it was trained on" in judgement.reason


def test_traits_do_not_depend_on_the_scale_or_the_order_of_axes():
    one = scan(3)
    louder = one.with_voxels(8 * one.voxels)
    assert of(louder) == pytest.approx(of(one), abs=1e-3)
    turned = replace(
        one, voxels=one.voxels.transpose(0, 2, 1, 3), affine=one.affine[:, [1, 0, 2, 3]]
    )
    first, second = of(one), of(turned)
    same = {"pixel", "slice", "fine", "median", "width", "depth", "symmetry", "below zero"}
    assert {key: second[key] for key in same} == pytest.approx(
        {key: first[key] for key in same}, abs=0.02
    )


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 2), (40, 36, 1), (2, 40, 40)])
def test_a_scan_of_any_shape_has_traits(known, shape):
    volume = textured(shape)
    found = of(volume)
    assert all(np.isfinite(value) for value in found.values())
    assert known.judge(found).verdict in ("in", "near", "out")
    empty = volume.with_voxels(0 * volume.voxels)
    assert all(np.isfinite(value) for value in of(empty).values())


def test_it_comes_back_as_it_was_written(known, tmp_path):
    known.save(tmp_path)
    assert TrainingRange.load(tmp_path) == known
    assert TrainingRange.load(tmp_path.parent) is None
    (tmp_path / RANGE).write_text("[]")
    with pytest.raises(CheckpointError, match=r"tools/measure_range\.py"):
        TrainingRange.load(tmp_path)


def test_what_is_out_is_refused_unless_forced_and_then_says_so():
    out = Judgement("out", 3.0, "it is no head")
    with pytest.raises(UnsupportedScan, match="--force"):
        out.facts({}, force=False)
    forced = out.facts({"warning": "loud"}, force=True)
    assert forced == {"range": "out", "warning": "loud; out of range: it is no head"}
    assert Judgement("in", 0.5, "").facts({}, force=False) == {"range": "in"}
    near = Judgement("near", 1.2, "it is small").facts({}, force=False)
    assert near["warning"].startswith("near the end of the model's range")


def test_a_model_without_a_range_judges_nothing():
    assert studies.enhancer().judge(head()) is None


@pytest.mark.parametrize("axis", [0, 1, 2], ids="xyz")
def test_the_shape_of_a_slice_is_not_held_against_whole_scans(axis):
    """One slice, or a thin slab, may lie at the rim of the subject, whichever way it is cut."""
    whole = head((64, 60, 56), spacing_mm=(2.0, 2.0, 2.0))
    shape = {"width", "depth", "symmetry"}
    assert shape < of(whole).keys()
    for thick in (1, 4):
        cut = [slice(None)] * 3
        cut[axis] = slice(10, 10 + thick)
        assert not shape & of(whole.crop(*cut)).keys()


def test_every_trait_has_words(known):
    named = {name for name in known.names if not name.startswith("structure of")}
    assert named <= WORDS.keys()
