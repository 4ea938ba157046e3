"""Training pairs of simulated MR acquisitions: what a network that reads the noise learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from medddim.degradation.inserts import Insert
from medddim.degradation.kspace import (
    Filter,
    KSpaceAxis,
    Power,
    Response,
    correlation_of_power,
    noise_gain,
    power_of,
    round_response,
)
from medddim.degradation.mr_scanner import acquire
from medddim.errors import RecipeError
from medddim.inference.blocks import BLOCK
from medddim.recipe import Recipe, ScannerRecipe
from medddim.training.acquired import SUBJECT_ABOVE, THICK, Source, slab_side, sources_of
from medddim.training.dataset import SUBJECT_SHARE, Pairs
from medddim.volume import Array, Volume

MARGIN = 8
"""Voxels cut off on each side after k-space was filtered: a patch is no period of anything."""
SLICES = (1, 4, 8, 16, 16, 24, 24)
"""How many thick slices a patch has."""
LEAST_ADDED = 1.2
"""Times the own noise of a scan, is added at least."""
BLUR = (0.35, 0.9)
"""Standard deviation in pixels of the Gaussian that makes anatomy smooth."""

RIPPLED, RIPPLE = 0.5, 0.1
"""Share of the pairs whose level map is stated with waves in it, and how high these are."""
LEVEL_ERRORS, LAG_ERRORS = (0.04, 0.12), (0.02, 0.05)
"""How wrong the level (in its logarithm) and the correlations of a pair may be stated, in one half
of the pairs and in the other: noise is read well in some scans, and badly in others."""


class ScannerPairs:
    """Draws batches of acquisitions with and without noise, and tells what is known of the noise.

    `Pairs.strength` are the maps of `medddim.networks.noise_unet`. The clean scans hold noise of
    their own, which the simulated scanner filters as it does the noise that is added: `Pairs.own`
    is its share of the total (Noisier2Noise, Moran et al. 2020, arXiv 1910.11908).
    """

    def __init__(self, recipe: Recipe, volumes: Sequence[Volume]) -> None:
        """Take the scans to the k-space they were measured in; lower resolutions beside them."""
        assert isinstance(recipe.degradation, ScannerRecipe)  # noqa: S101  # for the type checker
        self.recipe, self.drawn = recipe, recipe.degradation
        self.patch = recipe.training.patch
        sources = [source for volume in volumes for source in sources_of(recipe, volume)]
        self.isotropic = [s for s in sources if s.isotropic and min(s.image.shape) >= self.patch]
        slabs = [s for s in sources if s.wider >= THICK]
        self.shapes = [shape for shape in map(self._slab, SLICES) if _fitting(slabs, shape)]
        if not self.isotropic and not self.shapes:  # nothing but thin slabs of isotropic voxels
            slabs = [s.as_slab() for s in sources]
            self.shapes = [shape for shape in map(self._slab, SLICES) if _fitting(slabs, shape)]
        self.slabs = slabs if self.shapes else []
        if not self.isotropic and not self.slabs:
            raise RecipeError(f"no scan has room for a patch of {self.patch} voxels each way")

    def draw(self, step: int) -> Pairs:
        """The batch of training step `step`."""
        generator = np.random.default_rng([self.recipe.training.seed, step])
        thick = not self.isotropic or (self.slabs and generator.random() < self.drawn.thick_slices)
        shape = tuple(generator.choice(self.shapes)) if thick else (self.patch,) * 3
        count = self.recipe.training.batch
        items = [self._pair(shape, bool(thick), generator) for _ in range(count)]
        clean, scan, strength, own, weight, alike = (
            np.stack(arrays) for arrays in zip(*items, strict=True)
        )
        return Pairs(clean[:, None], scan[:, None], strength, own[:, None], weight[:, None], alike)

    def _slab(self, slices: int) -> tuple[int, ...]:
        """As many voxels as an isotropic patch, after the network's padding."""
        side = slab_side(self.patch, slices)
        return slices, side, side

    def _pair(
        self, shape: tuple[int, ...], thick: bool, generator: np.random.Generator
    ) -> tuple[Array, ...]:
        source, image, margins = self._patch(shape, thick, generator)
        responses, whole = self._responses(image.shape, thick, generator)
        gain = float(generator.uniform(*self.recipe.data.intensity_jitter))
        own = gain * source.noise * noise_gain(responses, whole)
        if self.drawn.smooth and generator.random() < self.drawn.smooth:
            image, less = blurred(image, generator.uniform(*BLUR), wider=source.wider)
            own *= less
        level: float = max(self._level(generator), LEAST_ADDED * own)
        g_map = self._g_map(image.shape, generator)
        image, weight = self._with_inserts(image * np.float32(gain), level, source.wider, generator)
        coils = self._coils(generator)
        scan, clean = acquire(
            image, responses, level * g_map, coils=coils, whole=whole, generator=generator
        )
        total: Array = np.broadcast_to(np.hypot(own, level * g_map), image.shape)
        powers = power_of(responses, whole)
        maps = self._maps(total, powers, source, generator)
        cut = tuple(slice(m, n - m) for m, n in zip(margins, image.shape, strict=True))
        inner = (array[cut] for array in (clean, scan))
        share: Array = np.float32(own) / total
        weight *= (1 - share**2) ** 2  # the more own noise, the less sure the target
        alike = np.stack([correlation_of_power(power, range(BLOCK)) for power in powers])
        return *inner, maps[(slice(None), *cut)], share[cut], weight[cut], alike

    def _patch(
        self, shape: tuple[int, ...], thick: bool, generator: np.random.Generator
    ) -> tuple[Source, Array, list[int]]:
        """A scan, a patch of it with margins, mirrored and turned, and the margins."""
        known = _fitting(self.slabs, shape) if thick else self.isotropic
        weights = np.sqrt([s.image.size for s in known])
        for _ in range(20):
            source = known[generator.choice(len(known), p=weights / weights.sum())]
            order = [0, *generator.permutation([1, 2])] if thick else generator.permutation(3)
            image = source.image.transpose(order)
            margins = [
                0 if thick and axis == 0 else min(MARGIN, (n - wanted) // 2)
                for axis, (n, wanted) in enumerate(zip(image.shape, shape, strict=True))
            ]
            size = [n + 2 * m for n, m in zip(shape, margins, strict=True)]
            first = [
                int(generator.integers(n - s + 1)) for n, s in zip(image.shape, size, strict=True)
            ]
            patch = image[tuple(slice(f, f + s) for f, s in zip(first, size, strict=True))]
            if (patch > SUBJECT_ABOVE["MR"]).mean() > SUBJECT_SHARE:
                break
        flips = tuple(slice(None, None, int(generator.choice([-1, 1]))) for _ in range(3))
        return source, np.ascontiguousarray(patch[flips]), margins

    def _responses(
        self, shape: tuple[int, ...], thick: bool, generator: np.random.Generator
    ) -> tuple[list[Response], Response | None]:
        """What k-space is multiplied by along each axis, and all of it at once: a round filter."""
        axes = self._acquisition(thick, generator)
        whole = None
        if self.drawn.round and generator.random() < self.drawn.round:
            whole = round_response(axes, shape)
            axes = [axis.unfiltered() for axis in axes]
        return [axis.response(n) for axis, n in zip(axes, shape, strict=True)], whole

    def _acquisition(self, thick: bool, generator: np.random.Generator) -> list[KSpaceAxis]:
        """How the scanner filled and filtered each axis; white noise where it did nothing."""
        drawn = self.drawn
        if generator.random() < drawn.white:
            return [KSpaceAxis()] * 3
        kind: Filter = generator.choice(drawn.filters)
        strengths = {"gaussian": (0.5, 2.25), "tukey": (0.1, 1.0), "fermi": (0.02, 0.15)}
        low, high = strengths.get(kind, (0, 0))
        axes = []
        partial_axis = int(generator.integers(3)) if generator.random() < drawn.partial else -1
        volumetric = not thick and generator.random() < drawn.volumetric
        for axis in range(3):
            if axis == 0 and not volumetric:
                axes.append(KSpaceAxis())
                continue
            share = float(generator.uniform(*drawn.share)) if generator.random() < 0.7 else 1.0
            partial = float(generator.choice([0.625, 0.75, 0.875])) if axis == partial_axis else 1.0
            axes.append(KSpaceAxis(share, kind, float(generator.uniform(low, high)), partial))
        return axes if thick else [axes[axis] for axis in generator.permutation(3)]

    def _level(self, generator: np.random.Generator) -> float:
        """Even over the range, or in its logarithm: what is little counts as well."""
        low, high = self.drawn.level
        if generator.random() < 0.5:
            return float(generator.uniform(low, high))
        return float(np.exp(generator.uniform(np.log(low), np.log(high))))

    def _g_map(self, shape: tuple[int, ...], generator: np.random.Generator) -> Array:
        """A smooth map around a mean of about 1; 1 in a half of the patches."""
        if generator.random() < 0.5:
            return np.ones((1, 1, 1), np.float32)
        return np.asarray(np.exp(0.3 * wave(shape, 1.5, generator)), np.float32)

    def _coils(self, generator: np.random.Generator) -> int:
        return int(generator.choice([2, 4])) if generator.random() < self.drawn.multi_coil else 1

    def _with_inserts(
        self, image: Array, level: float, wider: float, generator: np.random.Generator
    ) -> tuple[Array, Array]:
        """The patch with small structures in some places of the subject, and what these weigh."""
        weight = np.ones_like(image)
        if generator.random() >= self.drawn.inserts:
            return image, weight
        image = image.copy()
        subject = np.argwhere(image > SUBJECT_ABOVE["MR"])
        for _ in range(int(generator.integers(1, 21)) if len(subject) else 0):
            centre = subject[generator.integers(len(subject))]
            radius = np.exp(generator.uniform(np.log(1.0), np.log(8.0)))
            radii = radius * generator.uniform(0.7, 1.4, 3) / np.array([max(wider, 1), 1, 1])
            kind = generator.choice(["even", "even", "even", "rim", "textured"])
            insert = Insert(
                tuple(centre + generator.uniform(-0.5, 0.5, 3)), tuple(radii.clip(0.5)), kind
            )
            box, profile = insert.profile(image.shape, generator)
            contrast = level * np.exp(generator.uniform(np.log(0.3), np.log(6.0)))
            sign = generator.choice([-1, 1])
            image[box] = np.maximum(image[box] + sign * contrast * profile, 0.3 * image[box])
            weight[box] += (self.drawn.insert_weight - 1) * np.abs(profile).clip(0, 1)
        return image, weight.clip(None, self.drawn.insert_weight)

    def _maps(
        self, total: Array, powers: list[Power], source: Source, generator: np.random.Generator
    ) -> Array:
        """What is known of the noise, as little exact as what is read in a scan."""
        size = [len(power) for power in powers]
        wrong = int(generator.integers(2))
        stated = total * np.exp(generator.normal(0, LEVEL_ERRORS[wrong]))
        if generator.random() < RIPPLED:  # a map read in cells is never quite smooth
            stated = stated * np.exp(RIPPLE * wave(stated.shape, 4.0, generator))
        if generator.random() < 0.15:  # the map is not always found
            stated = np.full(size, np.sqrt(np.square(stated, dtype=np.float64).mean()))
        lags = np.concatenate(
            [
                correlation_of_power(power) if n > 1 else (1.0, 1.0)
                for power, n in zip(powers, size, strict=True)
            ]
        )
        lags = lags + generator.normal(0, LAG_ERRORS[wrong], lags.shape) * (lags != 0) * (lags != 1)
        numbers = [*lags, np.log2(source.wider) / 4]
        return np.stack([stated, *(np.full(size, number) for number in numbers)]).astype(np.float32)


def blurred(image: Array, sd: float, *, wider: float) -> tuple[Array, float]:
    """An image `(slice, row, column)` made smoother, and the share of white noise that is left.

    `sd` is that of a Gaussian in pixels, `wider` how many of these lie between two slices.
    """
    widths = (sd / max(wider, 1.0), sd, sd)
    image = gaussian_filter(image, widths, mode="mirror")
    impulse = np.zeros(9)
    impulse[4] = 1.0
    kernels = (gaussian_filter(impulse, width) for width in widths)
    return image, float(np.prod([np.sqrt(np.square(kernel).sum()) for kernel in kernels]))


def wave(shape: Sequence[int], turns: float, generator: np.random.Generator) -> Array:
    """A smooth field around 0: a cosine along each axis, of up to so many half turns."""
    places = np.meshgrid(*(np.linspace(0, 1, n) for n in shape), indexing="ij", sparse=True)
    waves = (
        generator.uniform(-1, 1)
        * np.cos(np.pi * (generator.uniform(0, turns) * p + generator.random()))
        for p in places
    )
    return np.asarray(sum(waves), np.float32)


def _fitting(sources: Sequence[Source], shape: tuple[int, ...]) -> list[Source]:
    """Those that hold a patch of this shape, whichever way its rows run."""
    return [s for s in sources if (np.array(s.image.shape) >= shape).all()]
