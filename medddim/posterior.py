"""Samples of the clean scan, given the noisy one: a walk over two of the diffusion core's paths."""

import torch
from torch import Tensor

from medddim.diffusion import CleanEstimate, Path, ScanNoise, VariancePreserving


class Posterior(ScanNoise):
    """The scan's noise giving way to fresh noise as strong: what a network sees that draws samples.

    A sampler walks the variance-preserving path from that fresh noise to the clean scan, whose
    noisy scan it knows: two measurements of one clean scan at every level, with independent noise.
    All they tell is in their best mean. Its noise is sigma times the scan's, so that the network
    sees one image of a known noise level, as on `ScanNoise`, and no second input. Exact for white
    Gaussian noise (Kawar, Vaksman & Elad 2021, arXiv 2101.09552, walk it in small random steps).
    """

    random, scaled, crowding = True, True, 1.0

    def source(self, clean: Tensor, scan: Tensor, noise: Tensor, level: Tensor) -> Tensor:
        """The noise of the best mean, in units of its level; `noise` is as strong as the scan's."""
        _, sigma = self.weights(level, like=clean)
        return sigma * (scan - clean) + (1 - sigma**2).sqrt() * noise


def walk(
    path: Path, denoise: CleanEstimate, scan: Tensor, noise: Tensor
) -> tuple[CleanEstimate, Tensor, Path]:
    """What a sampler takes beside a ladder: clean estimates, the start, the path it walks.

    `denoise` is a network trained on `path`; `noise` is as strong as the scan's if that is scaled.
    """
    if not isinstance(path, Posterior):
        return denoise, path.start(scan, noise), path
    walked = VariancePreserving()

    def estimate(state: Tensor, level: float) -> Tensor:
        alpha, sigma = (x.item() for x in walked.mix(torch.tensor(level, dtype=torch.float64)))
        return denoise(sigma**2 * scan + alpha * state, sigma)

    return estimate, noise, walked
