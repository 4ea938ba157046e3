"""FDA's MRI-IQ-ETK asks: sharpness, resolution, uniformity, low contrast of a reconstruction.

    git clone https://github.com/DIDSR/mr-recon-eval-core   # commit 4b6ae7f
    python benchmarks/mri_iq.py mr-recon-eval-core [--model NAME] [--noise 0.02] [--spokes]

The kit (public domain; RST26MD03.01) is used as it is published and is no part of medddim: its
phantoms made in k-space, with its demo's sizes, and its metrics. Its images' magnitudes are
denoised as single slices, the noise level estimated. What the figures mean:

    bias, uniformity   of the intensity of the disk
    sharpness          width of its edge (full width at half maximum, mm), noisy for noisy images
    SNR                by the difference of two images
    lines              resolved of the 4 mm pattern, vertical and horizontal, of 4
    spokes             complete ones of 10 in the low-contrast phantom (with --spokes: minutes); the
                       kit's threshold takes noise to be white, which that of no denoised image is

Its random numbers are numpy's global ones, seeded here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from quality import table

from medddim.baselines import BASELINES
from medddim.inference.enhancer import Enhancer
from medddim.metrics.noise import estimate_noise
from medddim.volume import Volume

FOV, MATRIX, INTENSITY = (240, 240), (128, 128), 0.5
RADIUS, LINES, CONTRAST = (95.0, 95.0), (2.0, 2.0), 0.2
TITLES = ["image", "bias", "uniformity", "sharpness (mm)", "SNR", "lines", "spokes"]
Method = Callable[[Any], Any]


def main() -> None:
    """One row a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kit", type=Path)
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--spokes", action="store_true")
    asked = parser.parse_args()
    sys.path.insert(0, str(asked.kit))
    enhancer, nlm = Enhancer.load(asked.model), BASELINES["nlm-dipy"]
    methods: dict[str, Method] = {
        "as it is": lambda image: image,
        asked.model: lambda image: through(enhancer, image),
        "nlm-dipy": lambda image: through(nlm, image),
    }
    rows = []
    for name, method in methods.items():
        rows.append([name, *figures(method, asked.noise, spokes=asked.spokes)])
        print(*rows[-1], sep="  ", flush=True)
    print(table(TITLES, rows))


def through(method: Callable[..., Volume], image: Any) -> Any:
    """An image through a denoiser, as a slice of 1.9 mm pixels."""
    affine = np.diag([FOV[0] / MATRIX[0], FOV[1] / MATRIX[1], 5.0, 1.0])
    scan = Volume(np.abs(image)[None, :, :, None], affine, modality="MR")
    return method(scan, noise=estimate_noise(scan)).voxels[0, :, :, 0].astype(np.float64)


def figures(method: Method, noise: float, *, spokes: bool) -> list[str]:
    """The kit's metrics of what a method makes of the kit's phantoms."""
    import digital_phantom as phantom
    import evaluation_metrics as metric

    np.random.seed(0)  # noqa: NPY002 - the kit draws from numpy's global generator
    disks = [
        method(np.abs(phantom.disk_phantom(FOV, RADIUS, (0, 0), 0, MATRIX, INTENSITY, noise)[1]))
        for _ in range(2)
    ]
    bias, uniform = metric.intensity_uniformity(
        disks[0], FOV, RADIUS, (0, 0), INTENSITY, plot=False, location_known=True
    )
    edge, _ = metric.sharpness(disks[0], FOV, RADIUS, (0, 0), plot=False)
    snr = metric.snr_dual_image(*disks, FOV, RADIUS, (0, 0), plot=False)
    pattern = phantom.resolution_phantom(
        FOV, np.array(LINES), center=(0, 0), array=(4, 4), matrix_size=MATRIX,
        intensity=INTENSITY, noise_std=noise,
    )[1]  # fmt: skip
    _, lines = metric.high_contrast_resolution(
        method(np.abs(pattern)), FOV, radius=np.array(LINES), center=(0, 0), array=(4, 4),
        plot=False,
    )  # fmt: skip
    figures = [
        f"{bias:.4f}",
        f"{uniform:.4f}",
        f"{edge:.2f}",
        f"{snr:.1f}",
        f"{lines[0]}, {lines[1]}",
    ]
    return [*figures, str(complete(method, noise)) if spokes else "not asked"]


def complete(method: Method, noise: float) -> int:
    """Complete spokes of the low-contrast phantom."""
    import digital_phantom as phantom
    import evaluation_metrics as metric

    how: dict[str, Any] = {"center": (0, 0), "spoke_dist": 20, "contrast": CONTRAST}
    image = phantom.low_contrast_phantom(
        FOV, (0.75, 3.5), nspokes=10, disk_per_spoke=3, matrix_size=MATRIX, intensity=INTENSITY,
        noise_std=noise, **how,
    )[1]  # fmt: skip
    found, _ = metric.low_contrast_detectability(
        method(np.abs(image)), FOV, (0.75, 3.5), intensity=INTENSITY, noise_std=noise, plot=False,
        **how,
    )  # fmt: skip
    return int(found)


if __name__ == "__main__":
    main()
