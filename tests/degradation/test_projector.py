"""The projector against closed forms and against skimage."""

import numpy as np
import pytest
from skimage.transform import iradon, radon

from medddim.degradation.projector import Projector

SIZE, VIEWS, SIGMA = 96, 60, 8.0


def blob(size=SIZE, at=(10, -14)):
    rows, columns = np.mgrid[:size, :size] - size // 2
    squared = (rows - at[0]) ** 2 + (columns - at[1]) ** 2
    return np.exp(-squared / (2 * SIGMA**2)).astype(np.float32)


@pytest.mark.parametrize("size", [SIZE, SIZE + 1, 125])
def test_the_projections_of_a_gaussian_are_gaussians(size):
    fbp = Projector(size, VIEWS)
    angles = np.pi * np.arange(VIEWS)[:, None] / VIEWS
    centres = 10 * np.cos(angles) - 14 * np.sin(angles)
    rays = np.arange(fbp.rays) - fbp.rays // 2
    expected = SIGMA * np.sqrt(2 * np.pi) * np.exp(-((rays - centres) ** 2) / (2 * SIGMA**2))
    assert np.allclose(fbp.forward(blob(size)), expected, atol=1e-3 * expected.max())


def test_backward_is_the_adjoint_of_forward():
    fbp, generator = Projector(SIZE, VIEWS), np.random.default_rng(0)
    image = generator.normal(size=(SIZE, SIZE)).astype(np.float32)
    sinogram = generator.normal(size=(VIEWS, fbp.rays)).astype(np.float32)
    there = np.vdot(fbp.forward(image).astype(float), sinogram)
    back = np.vdot(image.astype(float), fbp.backward(sinogram))
    assert there == pytest.approx(back, rel=1e-4)


def test_filtered_back_projection_gives_the_image_back():
    fbp = Projector(SIZE, 180)
    ramp = fbp.frequencies + 0.0
    ramp[0] = 0.25 / fbp.rays  # the ramp's mean over the first bin, for the sum of the image
    found = fbp.backward(fbp.forward(blob()), ramp) * np.pi / 180
    assert np.allclose(found, blob(), atol=0.01)


def test_it_agrees_with_skimage():
    image = blob(at=(0, 0)) * (blob(at=(0, 0)) > 1e-6)  # skimage wants 0 outside of its circle
    theirs = radon(image, np.arange(VIEWS) * 180 / VIEWS, circle=True)
    fbp = Projector(SIZE, VIEWS)
    ours = fbp.forward(image)
    inside = slice(fbp.rays // 2 - SIZE // 2, fbp.rays // 2 + SIZE // 2)
    assert np.allclose(ours[:, inside], theirs.T, atol=0.01 * theirs.max())


def test_filtered_noise_is_as_loud_as_that_of_skimage():
    fbp = Projector(SIZE, 180)
    noise = np.random.default_rng(0).normal(size=(180, fbp.rays)).astype(np.float32)
    hann = fbp.frequencies * (1 + np.cos(2 * np.pi * fbp.frequencies)) / 2
    ours = fbp.backward(noise, hann) * np.pi / 180
    theirs = iradon(
        noise.T, np.arange(180.0), SIZE, filter_name="hann", interpolation="cubic", circle=False
    )
    middle = slice(SIZE // 4, -SIZE // 4)
    assert ours[middle, middle].std() == pytest.approx(theirs[middle, middle].std(), rel=0.05)
