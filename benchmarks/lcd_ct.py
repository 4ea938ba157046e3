"""FDA's LCD-CT toolbox asks: are low-contrast inserts as detectable after denoising as before?

    git clone https://github.com/DIDSR/LCD_CT && git -C LCD_CT checkout fe94e61
    pip install pandas
    python benchmarks/lcd_ct.py LCD_CT [--model ct-denoise] [--doses 55 100] [--data small_dataset]

The toolbox (CC0; RST24MD08.01) is used as it is published and is no part of medddim: its images of
the MITA-LCD phantom by filtered back-projection, its channelised Hotelling observer with
Laguerre-Gauss channels, its AUC over --readers random splits. Each image is a slice of its own,
denoised by the model, which estimates the noise. The small data set has 10 + 10 images a dose, too
few for a verdict at low dose (the standard deviation over splits says so); the large one (Zenodo
7996580, put into LCD_CT/data/large_dataset) has 200 + 100.

The inserts are named by their order in the toolbox (14, 7, 5, 3 HU): the column `insert_HU` of its
Python port holds the value of the last one for all (commit fe94e61).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from quality import table

from medddim.inference.enhancer import Enhancer
from medddim.volume import Volume

OFFSET = 1000
"""What the toolbox adds to Hounsfield units in its files."""
INSERTS = ("14 HU", "7 HU", "5 HU", "3 HU")
PIXEL_MM = 0.8
"""Not in the files; a 200 mm phantom fills 256 pixels about so."""


def main() -> None:
    """One row a dose and method: the AUC of each insert."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toolbox", type=Path)
    parser.add_argument("--model", default="ct-denoise")
    parser.add_argument("--doses", type=int, nargs="+", default=[55, 100])
    parser.add_argument("--data", default="small_dataset")
    parser.add_argument("--readers", type=int, default=20)
    asked = parser.parse_args()
    sys.path.insert(0, str(asked.toolbox / "src"))
    from lcdct.utils import load_dataset, read_mhd

    folder = asked.toolbox / "data" / asked.data / "fbp"
    truth = read_mhd(folder / "ground_truth.mhd").astype(np.float32).squeeze() - OFFSET
    enhancer = Enhancer.load(asked.model)
    body = []
    for dose in asked.doses:
        sets = load_dataset(folder / f"dose_{dose:03d}", offset=OFFSET)
        noise = np.std(np.asarray(sets[1], dtype=np.float32), axis=0).mean()
        for name, change in (("FBP", None), (asked.model, enhancer)):
            present, absent = (denoised(images, change) for images in sets)
            left = np.std(absent, axis=0).mean()
            cells = study(present, absent, truth, readers=asked.readers)
            body.append([f"{dose} %", name, f"{noise:.1f} → {left:.1f}", *cells])
            print(*body[-1], sep="  ", flush=True)
    titles = ["dose", "images", "noise (HU)", *(f"AUC, {one}" for one in INSERTS)]
    print(table(titles, body))


def denoised(images: Any, enhancer: Enhancer | None) -> Any:
    """Images `(image, row, column)` in HU, each through the model as a slice of its own."""
    images = np.asarray(images, dtype=np.float32)
    if enhancer is None:
        return images
    affine = np.diag([PIXEL_MM, PIXEL_MM, PIXEL_MM, 1.0])
    return np.stack(
        [
            enhancer(Volume(image.T[None, :, :, None], affine, modality="CT", unit="HU"))
            .voxels[0, :, :, 0]
            .T
            for image in images
        ]
    )


def study(present: Any, absent: Any, truth: Any, *, readers: int) -> list[str]:
    """The toolbox's own figures: mean and deviation of the AUC over splits, for each insert."""
    from lcdct.LCD import measure_LCD

    found = measure_LCD(
        present, absent, truth, observers=["LG_CHO_2D"], n_reader=readers,
        seed_split=list(range(readers)),
    )  # fmt: skip
    groups = np.asarray(found["auc"], dtype=np.float64).reshape(len(INSERTS), readers)
    return [f"{one.mean():.3f} ± {one.std():.3f}" for one in groups]


if __name__ == "__main__":
    main()
