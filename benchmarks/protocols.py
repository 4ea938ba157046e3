"""One picture, every convention: how far the figures lie apart.

    python benchmarks/protocols.py [-o docs/protocols-table.md]

The picture is pydicom's CT_small (128 x 128, HU), with Gaussian noise of 40 HU (seed 0), filtered
with a Gaussian of 1 pixel. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file
from scipy.ndimage import gaussian_filter

import medddim as md
from medddim.metrics import meant_for

NOISE_HU = 40.0
SIGMA = 1.0
TITLES = ("protocol", "PSNR dB", "SSIM", "NMSE", "RMSE HU", "data range", "window", "kernel")


def main() -> None:
    """Measure and print; write the table too if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, help="write the table here too")
    output = parser.parse_args().output
    text = table()
    print(text)
    if output:
        output.write_text(text + "\n", encoding="utf-8")


def table() -> str:
    """The Markdown table."""
    reference = md.read(get_testdata_file("CT_small.dcm", download=False))
    noise = np.random.default_rng(0).normal(0, NOISE_HU, reference.voxels.shape)
    filtered = gaussian_filter(reference.voxels + noise, (0, SIGMA, SIGMA, 0))
    candidate = reference.with_voxels(filtered)
    rows = [row(md.compare(candidate, reference, protocol=name)) for name in meant_for(reference)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [TITLES, _RULE, *rows])


def row(scores: md.Scores) -> tuple[str, ...]:
    """The cells of one convention."""
    window = "none" if scores.window is None else "{:g} to {:g}".format(*scores.window)
    figures = (
        f"{scores.psnr_db:.2f}", f"{scores.ssim:.3f}", f"{scores.nmse:.2g}", f"{scores.rmse:.1f}",
    )  # fmt: skip
    return (f"`{scores.protocol}`", *figures, f"{scores.data_range:g}", window, scores.kernel)


_RULE = ("---",) * len(TITLES)

if __name__ == "__main__":
    main()
