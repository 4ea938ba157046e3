"""Parallel-beam projection and its adjoint, through the Fourier slice theorem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
from scipy.fft import fft2, ifft2, next_fast_len
from scipy.sparse import csr_array
from scipy.special import i0

from medddim.volume import Array

OVERSAMPLING = 2
WIDTH = 4
"""Points of the grid, along each axis, that share in one point of the spectrum."""
BETA = np.pi * np.sqrt((WIDTH / OVERSAMPLING) ** 2 * (OVERSAMPLING - 0.5) ** 2 - 0.8)
"""The best shape of the Kaiser-Bessel window for this width (Beatty et al. 2005, eq. 5)."""


@dataclass(frozen=True)
class Projector:
    """Line integrals of an image of `size` x `size` pixels in `views` directions over 180 degrees.

    Rays are one pixel apart, lengths in pixels. The projection of an image is a radial line of its
    spectrum (Kak & Slaney 1988, section 3.2), read here by gridding with a Kaiser-Bessel window
    (Jackson et al. 1991; Beatty et al. 2005): some 20 times faster than walking along the rays.
    """

    size: int
    views: int

    @property
    def rays(self) -> int:
        """Rays in one view, an even number: they cover the diagonal."""
        return 2 * int(next_fast_len(int(np.ceil(self.size / np.sqrt(2))) + 1))

    @property
    def frequencies(self) -> npt.NDArray[np.floating]:
        """Frequencies of one view in cycles per pixel, from 0 to the Nyquist frequency."""
        return np.fft.rfftfreq(self.rays)

    def forward(self, image: Array) -> Array:
        """Line integrals `(views, rays)` of an image `(size, size)`."""
        grid = np.zeros((self._grid, self._grid), np.complex64)
        grid[self._inside] = image / self._apodisation
        columns = fft2(grid, overwrite_x=True).view(np.float32).reshape(-1, 2)
        spectrum = (self._gridding @ columns).view(np.complex64)
        views = np.fft.irfft(spectrum.reshape(self.views, -1), n=self.rays)
        return np.fft.fftshift(views, axes=1).astype(np.float32)

    def backward(self, sinogram: Array, response: npt.ArrayLike = 1.0) -> Array:
        """Each pixel's sum over the views, filtered with `response` at `frequencies`.

        With the response 1 it is the adjoint of `forward`.
        """
        views = np.fft.rfft(np.fft.ifftshift(sinogram, axes=1)) * np.asarray(response)
        views[:, 1:-1] *= 2  # negative frequencies
        columns = views.astype(np.complex64).view(np.float32).reshape(-1, 2)
        spectrum = (self._gridding.T @ columns).view(np.complex64)
        grid = ifft2(spectrum.reshape(self._grid, self._grid), norm="forward", overwrite_x=True)
        image: Array = grid.real[self._inside] / (self.rays * self._apodisation)
        return image

    @property
    def _grid(self) -> int:
        return int(next_fast_len(OVERSAMPLING * self.size))

    @cached_property
    def _inside(self) -> tuple[npt.NDArray[np.intp], ...]:
        """Where the image lies on the grid, its centre at index 0."""
        place = (np.arange(self.size) - self.size // 2) % self._grid
        return np.ix_(place, place)

    @cached_property
    def _apodisation(self) -> Array:
        """What the window's spectrum does to the image (Beatty et al. 2005, eq. 4)."""
        x = (np.arange(self.size) - self.size // 2) / self._grid
        root = np.sqrt(BETA**2 - (np.pi * WIDTH * x) ** 2)
        line = WIDTH * np.sinh(root) / (root * i0(BETA))
        return np.outer(line, line).astype(np.float32)

    @cached_property
    def _gridding(self) -> csr_array:
        """The matrix `(views * frequencies, grid * grid)` that reads the spectrum's lines."""
        angles = np.pi * np.arange(self.views)[:, None] / self.views
        rows, row_weights = self._neighbours(self.frequencies * np.cos(angles))
        columns, column_weights = self._neighbours(self.frequencies * np.sin(angles))
        indices = (rows[:, :, None] * self._grid + columns[:, None, :]).ravel()
        weights = (row_weights[:, :, None] * column_weights[:, None, :]).ravel()
        starts = np.arange(0, len(indices) + 1, WIDTH**2, dtype=np.int32)
        return csr_array((weights, indices, starts), shape=(len(rows), self._grid**2))

    def _neighbours(
        self, frequencies: npt.NDArray[np.floating]
    ) -> tuple[npt.NDArray[np.int32], Array]:
        """The nearest points along one axis of the grid, and their weights."""
        place = frequencies.reshape(-1, 1) * self._grid
        points = np.floor(place).astype(np.int32) + np.arange(1 - WIDTH // 2, 1 + WIDTH // 2)
        squared = (2 * (points - place) / WIDTH) ** 2
        weights = i0(BETA * np.sqrt(np.maximum(1 - squared, 0))) / i0(BETA)
        return (points % self._grid).astype(np.int32), weights.astype(np.float32)


@lru_cache(maxsize=4)
def projector(size: int, views: int) -> Projector:
    """The projector of this size, made once: its matrix takes about a second and 50 MB."""
    return Projector(size, views)
