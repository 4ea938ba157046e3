"""MR acquisitions made from formulas: white noise in k-space, filtered as a scanner filters."""

from __future__ import annotations

import numpy as np

from medddim.noise import AxisFilter
from medddim.volume import Volume


def acquired(scan, sigma, *filters, level=1.0, seed=0, around=None):
    """The magnitude of `scan` with noise of `sigma` in each channel behind `filters` (x, y, z).

    `level` multiplies the noise where it is; the scan itself goes through the filters too. `around`
    is a `PlaneFilter` of which the round one is used.
    """
    amplitude = np.ones(scan.shape)
    for axis, one in enumerate(filters):
        shape = [1, 1, 1]
        shape[axis] = -1
        frequency = np.abs(np.fft.fftfreq(scan.shape[axis])) * 2
        amplitude = amplitude * np.sqrt(one.power(frequency)).reshape(shape)
    if around:
        x, y = (np.abs(np.fft.fftfreq(n)) * 2 for n in scan.shape[:2])
        amplitude = amplitude * np.sqrt(around.round(x, y))[..., None]
    real, imaginary = np.random.default_rng(seed).standard_normal((2, *scan.shape))
    noise = np.fft.ifftn(np.fft.fftn(real + 1j * imaginary) * amplitude)
    noise *= sigma * level / np.sqrt((amplitude**2).mean())
    signal = np.fft.ifftn(np.fft.fftn(scan.voxels[0]) * amplitude)
    return Volume(np.abs(signal + noise)[None], scan.affine, "MR"), amplitude


def gaussian(taper, share=1.0):
    """A Gaussian filter of k-space."""
    return AxisFilter(share=share, gauss=taper)
