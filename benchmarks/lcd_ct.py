"""FDA's LCD-CT toolbox asks: are low-contrast inserts as detectable after denoising as before?

    git clone https://github.com/DIDSR/LCD_CT && git -C LCD_CT checkout fe94e61
    pip install pandas
    python benchmarks/lcd_ct.py LCD_CT [--model ct-denoise] [--doses 50] [--simulate 100]
    python benchmarks/lcd_ct.py LCD_CT --simulate 0 --doses 55 100   # the toolbox's own images

The toolbox (CC0; RST24MD08.01) is used as it is published and is no part of medddim: its images of
the MITA-LCD phantom by filtered back-projection, its channelised Hotelling observer with
Laguerre-Gauss channels, its AUC over --readers random splits. Each image is a slice of its own,
denoised by the model, which estimates the noise.

Its small data set has 10 + 10 images a dose: 5 + 5 train an observer of five channels, so that the
AUC says little. With --simulate N, N + N images a dose are made of its phantom (`ground_truth.mhd`,
projected) with the noise of medddim's projections: as strong at the centre as in the toolbox's
images at full dose, over the root of the dose, and of their texture (KERNEL; correlation at 1, 2, 3
pixels .36, -.07, -.03 there, as here). The same noise stands in the images of all doses, weaker or
stronger. FBP at full dose is there to compare with.

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

from medddim.degradation.low_dose import line_integrals, reconstruct, slice_noise
from medddim.inference.enhancer import Enhancer
from medddim.volume import Volume

OFFSET = 1000
"""What the toolbox adds to Hounsfield units in its files."""
INSERTS = ("14 HU", "7 HU", "5 HU", "3 HU")
PIXEL_MM = 0.664
"""Not in the files; CT_setup.m of the toolbox has it, and inserts of 3 to 10 mm then fit."""
KERNEL = {"standard": 2 / 3, "sharp": 1 / 3}
"""The share of each kernel in a reconstruction like those of the toolbox."""
AROUND = slice(48, 208), slice(48, 208)
"""Of 256 x 256 pixels; the observer looks at 29 around each insert, of which none is nearer than 31
to the rim of this."""
CENTRE = slice(50, 110), slice(50, 110)
"""Within it: between the inserts."""
Images = tuple[Any, Any]


def main() -> None:
    """One row a dose and method: the AUC of each insert."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toolbox", type=Path)
    parser.add_argument("--model", default="ct-denoise")
    parser.add_argument("--doses", type=int, nargs="+", default=[50])
    parser.add_argument("--data", default="small_dataset")
    parser.add_argument("--simulate", type=int, default=100, help="images with and without inserts")
    parser.add_argument("--readers", type=int, default=20)
    asked = parser.parse_args()
    sys.path.insert(0, str(asked.toolbox / "src"))
    folder = asked.toolbox / "data" / asked.data / "fbp"
    truth = truth_of(folder)
    enhancer = Enhancer.load(asked.model)
    made = simulated(folder, truth, asked.simulate) if asked.simulate else None
    body = []
    for dose in dict.fromkeys([*asked.doses, 100]):
        sets = at_dose(made, dose) if made else stored(folder, dose)
        noise = np.std(sets[1], axis=0)[CENTRE].mean()
        for name, change in (("FBP", None), (asked.model, enhancer)):
            if change and dose not in asked.doses:
                continue
            present, absent = (denoised(images, change) for images in sets)
            left = np.std(absent, axis=0)[CENTRE].mean()
            cells = study(present, absent, truth[AROUND], readers=asked.readers)
            body.append([f"{dose} %", name, f"{noise:.1f} → {left:.1f}", *cells])
            print(*body[-1], sep="  ", flush=True)
    titles = ["dose", "images", "noise (HU)", *(f"AUC, {one}" for one in INSERTS)]
    print(table(titles, body))


def truth_of(folder: Path) -> Any:
    """The phantom in HU, `(row, column)`."""
    from lcdct.utils import read_mhd

    return read_mhd(folder / "ground_truth.mhd").astype(np.float32).squeeze() - OFFSET


def stored(folder: Path, dose: int) -> Images:
    """The toolbox's images with and without inserts, `(image, row, column)`, in HU."""
    from lcdct.utils import load_dataset

    present, absent = load_dataset(folder / f"dose_{dose:03d}", offset=OFFSET)
    return present[:, *AROUND].astype(np.float32), absent[:, *AROUND].astype(np.float32)


def simulated(folder: Path, truth: Any, count: int) -> tuple[Any, Any, Any]:
    """The phantom without inserts, the inserts as FBP shows them, and noise of full dose."""
    absent = stored(folder, 100)[1]
    level = np.std(absent, axis=0, ddof=1)[CENTRE].mean()
    without = np.where(truth > 0, 0, truth).astype(np.float32)
    integrals = line_integrals(truth, PIXEL_MM) - line_integrals(without, PIXEL_MM)
    inserts = mixed(
        reconstruct(integrals, truth.shape, pixel_mm=PIXEL_MM, kernel=kernel) for kernel in KERNEL
    )
    noise = np.stack([noise_of(without, seed)[AROUND] for seed in range(2 * count)])
    noise *= level / noise[:, *CENTRE].std()
    return without[AROUND], inserts[AROUND], noise


def noise_of(image: Any, seed: int) -> Any:
    """One draw of the noise of filtered back-projection, of no particular strength."""
    return mixed(
        slice_noise(
            image, [0.5], np.random.default_rng(seed), voxel_mm=(PIXEL_MM, PIXEL_MM), kernel=kernel
        )[0]
        for kernel in KERNEL
    )


def mixed(by_kernel: Any) -> Any:
    """What both kernels show, as one kernel."""
    return sum(share * image for share, image in zip(KERNEL.values(), by_kernel, strict=True))


def at_dose(made: tuple[Any, Any, Any], dose: int) -> Images:
    """Images with and without inserts at this percentage of the dose."""
    without, inserts, noise = made
    present, absent = np.split(without + noise * np.float32((dose / 100) ** -0.5), 2)
    return present + inserts, absent


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
