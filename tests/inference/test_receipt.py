"""The lesion receipt: what it says is what a separate experiment finds, and it costs little."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.degradation import RicianNoise
from medddim.degradation.inserts import Insert
from medddim.errors import RequestProblem
from medddim.inference.insertion import CONTRASTS
from medddim.inference.plan import plan_scan
from medddim.inference.receipt import BLOCKS, TURNS, Receipt, measure, wanted_of
from medddim.inference.settings import Settings
from medddim.inference.shares import UNSURE, Line
from medddim.inference.trust import receipt_of
from medddim.volume import Volume
from tests.phantoms import head
from tests.recipes import tiny
from tests.studies import enhancer

NOISE = 20.0
BLUR = (0, 1.5, 1.5, 0.5)


def phantom(shape, spacing_mm=(1.0, 1.0, 3.0)):
    """Even tissue with a slow shading, and noise."""
    x = np.linspace(0, 1, shape[0])[:, None, None]
    voxels = 500 + 60 * x + np.random.default_rng(3).normal(0, NOISE, shape)
    return Volume(voxels[None], np.diag([*spacing_mm, 1.0]), modality="MR")


def blurred(plan):
    """A denoiser whose shrinkage can be computed: it loses what is small."""
    return plan.scan.with_voxels(gaussian_filter(plan.scan.voxels, BLUR))


def planned(scan, noise=NOISE, *, reads_noise=True):
    """By a network that reads the noise, and so is a small one."""
    plan = plan_scan(tiny(), scan, Settings(noise=noise))
    level_map = np.ones(scan.shape, np.float32) if reads_noise else None
    return replace(plan, consistency=replace(plan.consistency, level_map=level_map))


def alone(scan, size_mm, times):
    """One insert in the middle of the whole scan, by hand."""
    radii = [max(size_mm / 2 / one, 0.5) for one in scan.spacing_mm]
    box, profile = Insert(tuple(n // 2 for n in scan.shape), tuple(radii)).profile(scan.shape)
    there = scan.voxels.copy()
    there[0][box] += times * NOISE * profile
    change = gaussian_filter(there, BLUR) - gaussian_filter(scan.voxels, BLUR)
    return float((change[0][box] * profile).sum() / (times * NOISE * (profile**2).sum()))


@pytest.mark.daily(1)
@pytest.mark.parametrize("shape", [(160, 150, 20), (90, 80, 6)])
def test_it_agrees_with_a_separate_experiment(shape):
    scan = phantom(shape)
    receipt = measure(blurred, planned(scan), reach=(8, 8, 2))
    assert {line.times_noise for line in receipt.lines} == set(CONTRASTS)
    assert {line.diameter_mm for line in receipt.lines} >= {2.0, 4.0}
    for line in receipt.lines:
        expected = alone(scan, line.diameter_mm, line.times_noise)
        assert line.mean == pytest.approx(expected, abs=0.05)
        assert line.spread < 0.05  # a linear method keeps the same everywhere


@pytest.mark.parametrize(
    ("shape", "answers"),
    [((96, 80, 240), 0.5), ((90, 80, 6), TURNS), ((64, 64, 1), TURNS), ((256, 256, 8), 1)],
)
def test_it_asks_for_more_answers_only_where_not_all_inserts_fit(shape, answers):
    asked = []

    def counted(plan):
        asked.append(plan.scan.voxels.size)
        return blurred(plan)

    scan = phantom(shape)
    receipt = measure(counted, planned(scan), reach=(20, 20, 2), whole=blurred(planned(scan)))
    assert receipt.lines
    assert sum(asked) <= answers * scan.voxels.size
    assert len(asked) == (answers if answers >= 1 else 2 * BLOCKS)


def test_a_large_network_answers_once():
    asked = []

    def counted(plan):
        asked.append(plan)
        return blurred(plan)

    plan = planned(phantom((90, 80, 6)), reads_noise=False)
    assert measure(counted, plan, reach=(20, 20, 2), whole=blurred(plan)).lines
    assert len(asked) == 1


def test_what_had_no_room_in_one_answer_goes_into_the_next(monkeypatch):
    scan = phantom((90, 80, 6))
    many = measure(blurred, planned(scan), reach=(8, 8, 2))
    monkeypatch.setattr("medddim.inference.receipt.TURNS", 1)
    few = measure(blurred, planned(scan), reach=(8, 8, 2))
    counts = [sum(line.count for line in receipt.lines) for receipt in (many, few)]
    assert counts[1] < 0.6 * counts[0] <= 0.6 * len(wanted_of(scan))


def test_slabs_of_a_large_scan_lie_all_along_it_and_hold_every_contrast():
    """What is kept grows along the scan: the receipt has the mean, at each size and contrast."""
    scan = phantom((120, 110, 160))
    share, first = np.linspace(0.5, 0.9, 160), scan.affine[2, 3]

    def fading(plan):
        slices = np.round((plan.scan.affine[2, 3] - first) / 3.0 + np.arange(plan.scan.shape[2]))
        return plan.scan.with_voxels(plan.scan.voxels * share[slices.astype(int)])

    receipt = measure(fading, planned(scan), reach=(20, 20, 2))
    assert [line.mean for line in receipt.lines] == pytest.approx([0.7] * 12, abs=0.06)


def test_an_untrained_network_is_measured_as_it_is():
    scan = RicianNoise(0.05)(head((72, 64, 8)), np.random.default_rng(0))
    wired = enhancer()
    receipt = wired.receipt(scan, noise=40.0)
    again = receipt_of(wired, wired.plan(scan, Settings(noise=40.0)), wired(scan, noise=40.0))
    assert receipt == again
    assert receipt.noise == pytest.approx(40.0, rel=1e-3)
    assert receipt.lines
    assert wired.receipt(scan, noise=40.0, seed=1) != receipt


def test_all_channels_of_a_scan_cost_what_one_does():
    asked = []

    def counted(plan):
        asked.append(plan.scan.channels)
        return blurred(plan)

    scan = phantom((120, 110, 12))
    twice = replace(scan, voxels=np.repeat(scan.voxels, 2, axis=0))
    whole = [blurred(planned(v)) for v in (scan, twice)]
    one, both = (
        measure(counted, planned(v), reach=(8, 8, 2), whole=w)
        for v, w in zip((scan, twice), whole, strict=True)
    )
    assert one == both
    assert asked == [1] * 2 * TURNS


def test_where_little_fits_every_size_has_its_share():
    wanted = [size for size, _ in wanted_of(phantom((64, 64, 8)))]
    some = wanted[: len(wanted) // 4]
    for size in (2.0, 4.0, 6.0, 10.0):
        assert some.count(size) == pytest.approx(wanted.count(size) / 4, abs=3)


def test_what_is_known_too_little_is_left_out():
    """In a scan of a few inserts, whose shares differ, no mean is known to within 0.05."""
    scan = phantom((40, 40, 4))

    def random(plan):
        share = np.random.default_rng(0).uniform(0, 2, (5, 5, 4)).repeat(8, 0).repeat(8, 1)
        return plan.scan.with_voxels(plan.scan.voxels * share)

    receipt = measure(random, planned(scan), reach=(8, 8, 2))
    assert all(line.error <= UNSURE for line in receipt.lines)
    assert {line.diameter_mm for line in receipt.lines} < {2.0, 4.0, 6.0, 10.0}


def test_without_noise_or_tissue_there_is_nothing_to_measure():
    scan = phantom((64, 64, 8))
    assert measure(blurred, planned(scan, noise=0.0), reach=(8, 8, 2)).lines == ()
    empty = measure(blurred, planned(scan.with_voxels(0 * scan.voxels)), reach=(8, 8, 2))
    assert empty.lines == ()
    assert "too little even tissue" in empty.words


def test_super_resolution_has_no_receipt(monkeypatch):
    plan = replace(planned(phantom((64, 64, 8))), consistency=object())
    with pytest.raises(RequestProblem, match="a receipt is for denoising"):
        measure(blurred, plan, reach=(8, 8, 2))


def test_it_says_so_in_words_and_figures():
    lines = (Line(4.0, 1.0, 0.474, 0.1, 3, 0.07), Line(4.0, 4.0, 0.879, 0.05, 3, 0.035))
    receipt = Receipt(12.0, (*lines, Line(10.0, 1.0, 0.9, 0.01, 3, 0.01)))
    assert receipt.words == (
        "a faint 4 mm lesion (contrast 1x noise) keeps 47% (+/- 7%) of its contrast here, "
        "a plain one (4x) 88% (+/- 4%)"
    )
    facts = json.loads(json.dumps(receipt.facts))
    plain = {"mean": 0.879, "error": 0.035, "spread": 0.05, "count": 3}
    assert facts["contrast_kept"]["4 mm"]["4x noise"] == plain
    assert facts["receipt"] == receipt.words


def test_a_contrast_that_is_known_alone_is_said_once():
    alone = Receipt(12.0, (Line(4.0, 4.0, 0.879, 0.05, 3, 0.035),))
    assert alone.words == (
        "a 4 mm lesion (contrast 4x noise) keeps 88% (+/- 4%) of its contrast here"
    )
