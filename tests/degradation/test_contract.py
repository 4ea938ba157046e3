"""One contract for every way to degrade a scan."""

from dataclasses import asdict, replace

import numpy as np
import pytest

import medddim
from medddim import degradation
from medddim.batch.jobs import degrade_job, unwatched
from medddim.degradation import (
    DEGRADATIONS,
    ChiNoise,
    KernelChange,
    LargerVoxels,
    LowDose,
    LowMatrix,
    MrScanner,
    RicianNoise,
    ThickSlices,
)
from medddim.errors import MedddimError, RequestProblem, UnsupportedScan
from medddim.volume import Derivation, Volume
from tests.phantoms import head, oblique

BOTH = [ThickSlices(thickness_mm=6.0), ThickSlices(7.0, profile="gaussian", gap_mm=1.0)]
BOTH += [LargerVoxels((2, 1, 3))]
ONLY_MR = [
    RicianNoise(level=0.1),
    ChiNoise(level=0.1, coils=4, g_factor=2.0),
    MrScanner(0.1, readout=0.75, phase=0.6, partial=0.75, filter="hann", g_factor=2.0),
    MrScanner(0.1, slices=0.75, filter="gaussian", strength=1.5, coils=2),
    LowMatrix(0.5),
    LowMatrix(0.6, taper=0.5, zero_filled=True),
]
ONLY_CT = [LowDose(0.25), LowDose(0.1, kernel="sharp", noise_hu=8.0), KernelChange("soft", "sharp")]
EXAMPLES = [(example, "MR") for example in ONLY_MR + BOTH]
EXAMPLES += [(example, "CT") for example in ONLY_CT + BOTH]
every_degradation = pytest.mark.parametrize(
    ("degrade", "modality"), EXAMPLES, ids=lambda value: str(value)
)


def scan(modality="MR", *, gain=1.0):
    voxels = gain * head((24, 22, 12)).voxels
    two = np.concatenate([voxels, voxels[:, ::-1]])
    if modality == "MR":
        return Volume(two, oblique((1.0, 1.0, 3.0)), "MR", "a.u.", source="header")
    return Volume(two - 1000, oblique((1.0, 1.0, 3.0)), "CT", "HU", source="header")


def degraded(degrade, volume, seed=0):
    return degrade(volume, np.random.default_rng(seed))


def test_every_degradation_is_here():
    offered = {
        name
        for name in degradation.__all__
        if isinstance(getattr(degradation, name), type) and name != "Degradation"
    }
    assert {type(example).__name__ for example, _ in EXAMPLES} == offered


def test_every_degradation_stands_under_its_name():
    for name, kind in DEGRADATIONS.items():
        assert kind.name == name
        assert getattr(medddim, kind.__name__) is kind


@every_degradation
def test_the_same_seed_gives_the_same_scan(degrade, modality):
    one, other = (degraded(degrade, scan(modality), seed=4) for _ in range(2))
    assert np.array_equal(one.voxels, other.voxels)


def test_a_seed_that_is_no_whole_number_is_refused():
    with pytest.raises(RequestProblem, match="a whole number as seed, found 'a'"):
        RicianNoise(0.05)(scan("MR"), seed="a")


@every_degradation
@pytest.mark.daily(6)
def test_a_seed_means_what_it_means_at_the_command(degrade, modality):
    """As documented of `medddim degrade --seed`: numbers of each scan's own, and on record."""
    volume = scan(modality)
    one, again = degrade(volume), degrade(volume, seed=0)
    job = degrade_job(degrade, seed=0)
    by_command, _ = job.start(unwatched)(volume, job.plan(volume))
    for other in (again, by_command):
        assert np.array_equal(one.voxels, other.voxels)
        assert one.derivation == other.derivation
    assert list(one.derivation.parameters.items()) == list(job.described.items())
    assert one.derivation.parameters["seed"] == 0
    random = not np.array_equal(degrade(volume, seed=1).voxels, one.voxels)
    assert random == isinstance(degrade, RicianNoise | ChiNoise | MrScanner | LowDose)


@every_degradation
def test_it_leaves_its_input_alone_and_does_something(degrade, modality):
    volume = scan(modality)
    result = degraded(degrade, volume)
    assert np.array_equal(volume.voxels, scan(modality).voxels)
    assert not np.array_equal(result.voxels, volume.voxels)


@every_degradation
def test_the_result_says_what_was_done_and_no_longer_what_was_before(degrade, modality):
    before = Derivation("denoise", "AI denoised", {"model": "other"})
    made = degraded(degrade, replace(scan(modality), derivation=before)).derivation
    assert made.kind == "degrade"
    assert made.parameters == {"kind": "degrade", "degradation": degrade.name, **asdict(degrade)}
    assert degrade.name in made.summary


@every_degradation
def test_what_the_scan_is_stays(degrade, modality):
    volume = scan(modality)
    result = degraded(degrade, volume)
    assert (result.modality, result.unit) == (volume.modality, volume.unit)
    assert result.source == "header"
    assert result.channels == 2
    assert result.orientation == volume.orientation
    assert np.isfinite(result.voxels).all()


@every_degradation
def test_it_covers_the_same_space(degrade, modality):
    volume = scan(modality)
    result = degraded(degrade, volume)
    covered = [np.array(v.spacing_mm) * v.shape for v in (result, volume)]
    assert (covered[0] < covered[1] * (1 + 1e-6)).all()
    assert (covered[0] > covered[1] - 8).all()  # what is left at the end of thick slices


@pytest.mark.parametrize(
    "degrade", [example for example, modality in EXAMPLES if modality == "MR"], ids=str
)
def test_an_empty_scan_stays_empty(degrade):
    volume = scan()
    assert (degraded(degrade, volume.with_voxels(volume.voxels * 0)).voxels == 0).all()


@pytest.mark.parametrize(
    "degrade", [example for example, modality in EXAMPLES if modality == "MR"], ids=str
)
def test_it_follows_the_gain_of_the_scanner(degrade):
    quiet, loud = (degraded(degrade, scan(gain=gain)).voxels for gain in (1, 4))
    assert np.allclose(loud, 4 * quiet, rtol=1e-4, atol=4e-3)


@pytest.mark.parametrize("degrade", ONLY_CT, ids=str)
def test_tissue_keeps_its_hounsfield_units(degrade):
    volume = scan("CT")
    flat = volume.with_voxels(np.full_like(volume.voxels, 40.0))
    assert degraded(degrade, flat).voxels.mean() == pytest.approx(40, abs=0.5)


@pytest.mark.parametrize(
    ("degrade", "modality"), [(d, "CT") for d in ONLY_MR] + [(d, "MR") for d in ONLY_CT], ids=str
)
def test_a_scan_of_the_other_modality_is_refused(degrade, modality):
    with pytest.raises(UnsupportedScan, match="expected"):
        degraded(degrade, scan(modality))


@pytest.mark.parametrize(
    "make",
    [
        lambda: RicianNoise(level=-0.1),
        lambda: RicianNoise(level=5),
        lambda: RicianNoise(level=float("nan")),
        lambda: ChiNoise(level=2),
        lambda: ChiNoise(coils=0),
        lambda: ChiNoise(g_factor=0.5),
        lambda: LowMatrix(fraction=0),
        lambda: LowMatrix(taper=2),
        lambda: LowDose(fraction=0),
        lambda: LowDose(fraction=1.5),
        lambda: LowDose(photons_per_mm2=0),
        lambda: LowDose(noise_hu=0),
        lambda: LowDose(electronic_per_mm2=-1),
        lambda: LowDose(kernel="b30f"),
        lambda: KernelChange("sharp", "soft"),
        lambda: ThickSlices(thickness_mm=0),
        lambda: ThickSlices(thickness_mm=float("nan")),
        lambda: ThickSlices(thickness_mm=2, gap_mm=-1),
        lambda: ThickSlices(thickness_mm=2, profile="square"),
    ],
)
def test_impossible_parameters_are_refused_at_once(make):
    with pytest.raises(MedddimError, match=r"expected|unknown"):
        make()
