"""The picture shows what it says, and is never blank."""

import io

import numpy as np
import pytest
from PIL import Image

from medddim.report.case import Case
from medddim.report.picture import picture
from medddim.volume import Volume


def head(**facts):
    x, y, z = (axis - n / 2 for axis, n in zip(np.indices((40, 48, 12)), (40, 48, 12), strict=True))
    inside = (x / 16) ** 2 + (y / 20) ** 2 + (z / 6) ** 2 < 1
    return Volume((inside * (600 + 200 * np.sin(x / 3)))[None], np.diag([2, 2, 6, 1.0]), **facts)


def noisy(volume, sigma=60):
    noise = np.random.default_rng(0).normal(0, sigma, volume.voxels.shape)
    return volume.with_voxels(volume.voxels + noise)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(float)


def columns(png, *, count):
    """The picture cut into its columns, without margins, heading and scales."""
    image = pixels(png)[40:-70]
    return [image[:, 36 + 408 * place :][:, :400] for place in range(count)]


def test_every_column_holds_its_own_picture():
    clean = head(modality="MR")
    png = picture([Case("a", input=noisy(clean), enhanced=clean, reference=clean)])
    shown = columns(png, count=4)
    assert all(column.std() > 20 for column in shown)
    scan, enhanced, change, reference = shown
    assert np.ptp(scan, axis=2).max() < 30  # grey, but for a tint of the letters
    assert np.ptp(change, axis=2).max() > 100
    assert np.abs(enhanced - reference).mean() < 1 < np.abs(enhanced - scan).mean()


def test_there_is_no_column_without_a_reference():
    clean = head()
    three = pixels(picture([Case("a", input=noisy(clean), enhanced=clean)], planes=["axial"]))
    four = pixels(
        picture([Case("a", input=noisy(clean), enhanced=clean, reference=clean)], planes=["axial"])
    )
    assert three.shape[0] == four.shape[0]
    assert four.shape[1] - three.shape[1] == 408


def test_nothing_changed_is_black():
    clean = head()
    _, _, change = columns(picture([Case("a", input=clean, enhanced=clean)]), count=3)
    assert np.median(change) < 20
    assert np.ptp(change, axis=2).max() < 30


def test_brighter_is_orange_darker_is_blue_and_both_as_strong():
    clean = head()
    up, down = (
        columns(
            picture(
                [Case("a", input=clean, enhanced=clean.with_voxels(clean.voxels + shift))],
                planes=["axial"],
            ),
            count=3,
        )[2].mean(axis=(0, 1))
        for shift in (50, -50)
    )
    assert up[0] > 1.5 * up[2]
    assert down[2] > 1.5 * down[0]
    weights = np.array([0.2126, 0.7152, 0.0722])
    assert up @ weights == pytest.approx(down @ weights, rel=0.1)


def test_proportions_are_physical():
    white = head().with_voxels(800.0 * (head().voxels > 0))
    scan, *_ = columns(
        picture([Case("a", input=white, enhanced=white)], planes=["coronal"]), count=3
    )
    bright = scan.sum(axis=2) > 600  # the letters are darker
    high, wide = (np.ptp(np.flatnonzero(bright.any(axis=axis))) for axis in (1, 0))
    # an ellipsoid of 11 slices of 6 mm and 31 voxels of 2 mm
    assert high / wide == pytest.approx(66 / 62, rel=0.05)


@pytest.mark.parametrize(
    "title", ["$\\frac{", "<b>&", "患者 \N{SNOWMAN}", "a" * 300], ids=["tex", "html", "cjk", "long"]
)
@pytest.mark.daily(1)
def test_many_scans_are_stacked_under_any_title(title):
    clean = head()
    case = Case(title, input=noisy(clean), enhanced=clean)
    one, two = (pixels(picture([case] * n, planes=["axial"])) for n in (1, 2))
    assert two.shape[0] > 1.7 * one.shape[0]


@pytest.mark.daily(2)
@pytest.mark.parametrize("shape", [(1, 20, 30, 1), (3, 12, 1, 16), (1, 1, 1, 5), (1, 6, 6, 6)])
def test_any_shape_can_be_shown(shape):
    volume = Volume(np.random.default_rng(0).normal(size=shape), np.eye(4))
    assert pixels(picture([Case("a", input=noisy(volume, 1), enhanced=volume)])).size


def test_a_constant_scan_can_be_shown():
    volume = Volume(np.zeros((1, 9, 9, 9)), np.eye(4))
    assert pixels(picture([Case("a", input=volume, enhanced=volume)])).size


def test_ct_has_the_soft_tissue_window():
    ct = head(modality="CT", unit="HU")
    assert Case("a", input=ct, enhanced=ct).window == (-160.0, 240.0)


def test_a_result_on_a_finer_grid_is_compared_there():
    clean = head()
    fine = Volume(np.repeat(clean.voxels, 3, axis=3), clean.affine @ np.diag([1, 1, 1 / 3, 1]))
    case = Case("a", input=clean, enhanced=fine)
    assert case.resampled
    assert case.difference.shape == fine.shape
    assert columns(picture([case]), count=3)[2].std() > 20  # interpolation is a change, too
