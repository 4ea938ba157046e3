"""Low-dose CT against the closed forms of filtered back-projection."""

from itertools import pairwise

import numpy as np
import pytest

from medddim.degradation import LowDose, low_dose_noise, photons_for
from medddim.degradation.ct_kernel import mtf
from medddim.degradation.low_dose import (
    PHOTONS_PER_MM2,
    VIEWS,
    WATER_PER_MM,
    line_integrals,
    slice_noise,
)
from medddim.errors import UnsupportedScan
from medddim.volume import Volume

SIZE, PIXEL_MM, THICKNESS_MM = 128, 2.5, 2.0
ROWS, COLUMNS = (np.mgrid[:SIZE, :SIZE] - SIZE // 2) * PIXEL_MM
RADIUS = np.hypot(ROWS, COLUMNS)
CENTRE = RADIUS < 25


def water(diameter_mm=300.0, size=SIZE, pixel_mm=PIXEL_MM):
    rows, columns = (np.mgrid[:size, :size] - size // 2) * pixel_mm
    return np.where(np.hypot(rows, columns) < diameter_mm / 2, 0, -1000).astype(np.float32)


def noises(image, degradation, count=8, **measures):
    measures = {"pixel_mm": PIXEL_MM, "thickness_mm": THICKNESS_MM} | measures
    generator = np.random.default_rng(0)
    return np.stack(
        [degradation.noise(image, **measures, generator=generator) for _ in range(count)]
    )


def scan(*images, slice_mm=THICKNESS_MM):
    affine = np.diag([-PIXEL_MM, -PIXEL_MM, slice_mm, 1.0])
    return Volume(np.stack(images, axis=-1)[None], affine, "CT", "HU", source="header")


def closed_form(degradation, diameter_mm, pixel_mm=PIXEL_MM):
    """The standard deviation at the centre of a disc of water, from Kak & Slaney eq. 5.31."""
    transmission = np.exp(-WATER_PER_MM * diameter_mm)
    photons = degradation.photons_per_mm2 * pixel_mm * THICKNESS_MM * transmission
    electronic = degradation.electronic_per_mm2 * pixel_mm * THICKNESS_MM
    d = degradation.fraction
    variance = (1 / d - 1) / photons + (1 / d**2 - 1) * electronic / photons**2
    per_mm = np.linspace(0, 0.5 / pixel_mm, 2001)
    power = 2 * np.trapezoid((per_mm * mtf(degradation.kernel, per_mm)) ** 2, per_mm)
    return 1000 / WATER_PER_MM * np.pi * np.sqrt(pixel_mm * power * variance / VIEWS)


def test_a_line_integral_is_a_length_times_the_attenuation_of_water():
    integrals = line_integrals(water(200.0), PIXEL_MM)
    middle = integrals[:, integrals.shape[1] // 2]
    assert middle == pytest.approx(200 * WATER_PER_MM, rel=0.03)
    assert integrals.min() == 0
    assert line_integrals(water() * 0 - 3024, PIXEL_MM).max() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("fraction", [0.5, 0.25, 0.1])
@pytest.mark.parametrize("kernel", ["soft", "standard", "sharp"])
def test_the_noise_in_water_is_that_of_the_closed_form(fraction, kernel):
    degradation = LowDose(fraction, kernel)
    found = noises(water(), degradation)[:, CENTRE].std()
    assert found == pytest.approx(closed_form(degradation, 300), rel=0.06)


@pytest.mark.slow
def test_the_variance_goes_with_one_over_the_dose():
    quantum = [LowDose(fraction, electronic_per_mm2=0) for fraction in (0.8, 0.5, 0.25, 0.1)]
    found = [noises(water(), d)[:, CENTRE].var() / (1 / d.fraction - 1) for d in quantum]
    assert np.allclose(found, np.mean(found), rtol=0.1)


def test_full_dose_is_about_12_hu_in_30_cm_of_water():
    how = {"voxel_mm": (0.7, 2.0)}
    (half,) = slice_noise(water(300, 512, 0.7), [0.5], np.random.default_rng(0), **how)
    assert half[216:296, 216:296].std() == pytest.approx(12, rel=0.1)  # 1 / d - 1 is 1


@pytest.mark.slow
def test_smaller_pixels_of_the_same_kernel_are_no_noisier():
    fine = noises(water(80, 192, 0.5), LowDose(0.25), pixel_mm=0.5)[:, 76:116, 76:116].std()
    coarse = noises(water(80, 128, 0.7), LowDose(0.25), pixel_mm=0.7)[:, 50:78, 50:78].std()
    assert fine == pytest.approx(coarse, rel=0.1)


def test_thick_slices_collect_more_photons():
    thin = noises(water(), LowDose(0.25), thickness_mm=1.0)[:, CENTRE].std()
    thick = noises(water(), LowDose(0.25), thickness_mm=4.0)[:, CENTRE].std()
    assert thin / thick == pytest.approx(2, rel=0.1)


def test_the_noise_is_coloured_as_filtered_back_projection_colours_it():
    found = noises(water(100, 128, 0.5), LowDose(0.25), pixel_mm=0.5)
    power = (np.abs(np.fft.fft2(found)) ** 2).mean(0)
    per_mm = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 0.5), np.fft.fftfreq(128, 0.5)))
    edges = np.array([0.02, 0.06, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.68])
    rings = [power[(per_mm >= a) & (per_mm < b)].mean() for a, b in pairwise(edges)]
    peak = int(np.argmax(rings))
    assert 1 < peak < 5
    assert rings[0] < 0.4 * rings[peak] > 4 * rings[-1]
    middles = (edges[1:] + edges[:-1]) / 2
    expected = middles * mtf("standard", middles) ** 2
    assert rings / rings[peak] == pytest.approx(expected / expected[peak], abs=0.15)


@pytest.mark.daily(1)
@pytest.mark.parametrize("fraction", [0.5, 0.1])
def test_the_mean_of_uniform_tissue_stays(fraction):
    found = noises(water(), LowDose(fraction), count=16)
    assert abs(found[:, RADIUS < 120].mean()) < 0.5


def test_there_is_more_noise_between_bones_along_the_streaks():
    image = water()
    for side in (-80, 80):
        image[np.hypot(ROWS, COLUMNS - side) < 25] = 1000
    found = noises(image, LowDose(0.25))
    between = found[:, (np.abs(ROWS) < 15) & (np.abs(COLUMNS) < 45)].std()
    beside = found[:, (np.abs(COLUMNS) < 15) & (np.abs(ROWS) > 50) & (np.abs(ROWS) < 110)].std()
    assert between > 1.3 * beside


@pytest.mark.parametrize("photons", [PHOTONS_PER_MM2, 0.1 * PHOTONS_PER_MM2])
@pytest.mark.daily(1)
def test_the_gaussian_noise_of_training_has_the_spread_of_the_exact_one_at_every_dose(photons):
    """Electronic noise, much of it with a tenth of the photons, grows faster than the other."""
    fractions, generator = [0.5, 0.25, 0.1], np.random.default_rng(1)
    how = {"photons_per_mm2": photons, "voxel_mm": (PIXEL_MM, THICKNESS_MM)}
    drawn = np.stack([slice_noise(water(), fractions, generator, **how) for _ in range(8)])
    for made, fraction in zip(np.moveaxis(drawn, 1, 0), fractions, strict=True):
        exact = noises(water(), LowDose(fraction, photons_per_mm2=photons))
        assert made[:, CENTRE].std() == pytest.approx(exact[:, CENTRE].std(), rel=0.06)


def test_the_doses_of_one_draw_are_one_noise_stronger_or_weaker():
    how = {"voxel_mm": (PIXEL_MM, THICKNESS_MM)}
    weak, strong = slice_noise(water(), [0.5, 0.1], np.random.default_rng(0), **how)
    assert np.corrcoef(weak[CENTRE], strong[CENTRE])[0, 1] > 0.99
    assert strong[CENTRE].std() > 3 * weak[CENTRE].std()


def test_starved_rays_give_finite_noise():
    image = np.full((SIZE, SIZE), 3071, np.float32)
    assert np.isfinite(noises(image, LowDose(0.1), count=1)).all()


def test_the_full_dose_changes_nothing():
    volume = scan(water())
    result = LowDose(1.0)(volume, np.random.default_rng(0))
    assert np.allclose(result.voxels, volume.voxels, atol=1e-4)


def test_padding_and_the_range_of_stored_units_are_kept():
    image = water()
    image[RADIUS > 155], image[:4], image[60:64, 60:64] = -3024, -2000, 3071
    result = LowDose(0.05)(scan(image), np.random.default_rng(0)).voxels[0, :, :, 0]
    assert np.array_equal(result[image < -1024], image[image < -1024])
    assert result[image >= -1024].min() == -1024
    assert result[image >= -1024].max() <= 3071
    assert not np.array_equal(result[image == 0], image[image == 0])


def test_metal_above_the_range_is_not_cut_down_to_it():
    image = water()
    image[RADIUS < 3] = 12000
    result = LowDose(0.25)(scan(image), np.random.default_rng(0)).voxels[0, :, :, 0]
    assert result[RADIUS < 3].max() > 11000


def test_slices_are_axial_and_independent_whatever_the_axes():
    volume = scan(*[water()] * 3)
    turned = Volume(
        np.moveaxis(volume.voxels, 3, 1),
        volume.affine[:, [2, 0, 1, 3]],
        volume.modality,
        volume.unit,
    )
    upright = LowDose(0.25)(volume, np.random.default_rng(3)).voxels
    lying = LowDose(0.25)(turned, np.random.default_rng(3)).voxels
    assert np.array_equal(np.moveaxis(lying, 1, 3), upright)
    noise = (upright - volume.voxels)[0, 60:68, 60:68]
    assert abs(np.corrcoef(noise[..., 0].ravel(), noise[..., 1].ravel())[0, 1]) < 0.6
    assert not np.array_equal(noise[..., 0], noise[..., 1])


def test_thin_slices_do_not_turn_the_gantry():
    volume = scan(*[water()[32:96, 32:96]] * 12, slice_mm=1.0)  # the axis of widest spacing is x
    (result,) = low_dose_noise(volume, [0.5], np.random.default_rng(0))
    how = {"voxel_mm": (PIXEL_MM, 1.0)}
    (expected,) = slice_noise(volume.voxels[0, :, :, 0], [0.5], np.random.default_rng(0), **how)
    assert np.array_equal(result[0, :, :, 0], expected)
    assert not np.array_equal(result[0, :, :, 0], result[0, :, :, 1])


def test_photons_are_found_from_the_noise_of_the_scan():
    volume = scan(water(), water())
    photons = photons_for(volume, 5.0)
    full_dose = noises(water(), LowDose(0.5, photons_per_mm2=photons))  # 1 / d - 1 is 1
    assert np.sqrt((full_dose[:, water() == 0] ** 2).mean()) == pytest.approx(5, rel=0.06)


def test_an_oblong_slice_is_projected_too():
    whole = noises(water(180), LowDose(0.25))[:, CENTRE].std()
    oblong = noises(water(180)[20:100], LowDose(0.25))
    assert oblong.shape[1:] == (80, SIZE)
    assert oblong[:, CENTRE[20:100]].std() == pytest.approx(whole, rel=0.1)


def test_what_is_no_ct_is_refused_with_the_remedy():
    volume = scan(water())
    unknown = Volume(volume.voxels, volume.affine)
    for call in (
        lambda v, g: low_dose_noise(v, [0.5], g),
        lambda v, g: photons_for(v, 10.0),
    ):
        with pytest.raises(UnsupportedScan, match="Modality"):
            call(unknown, np.random.default_rng(0))


def test_pixels_that_are_not_square_are_refused():
    volume = Volume(scan(water()).voxels, np.diag([2.5, 1.0, 2.0, 1.0]), "CT", "HU")
    with pytest.raises(UnsupportedScan, match="square"):
        LowDose()(volume, np.random.default_rng(0))


def test_a_scan_is_taken_to_a_fraction_of_its_own_dose():
    volume = scan(water(), water())
    tissue = volume.voxels == 0
    result = LowDose(0.25, noise_hu=5.0)(volume, np.random.default_rng(0))
    assert result.voxels[tissue].std() == pytest.approx(5 * np.sqrt(1 / 0.25 - 1), rel=0.1)


def test_photons_cannot_be_found_without_soft_tissue():
    with pytest.raises(UnsupportedScan, match="soft tissue"):
        photons_for(scan(water() * 0 - 1000), 12.0)
