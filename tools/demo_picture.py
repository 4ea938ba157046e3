"""Make docs/images/demo.png out of the picture of `make demo`: python tools/demo_picture.py."""

from pathlib import Path

import numpy as np
from PIL import Image

from medddim.report.picture import DIVERGING

ROOT = Path(__file__).resolve().parent.parent
WIDTH, GREYS, COLOURS = 1100, 88, 104


def main() -> None:
    """Smaller, and in a palette of greys and of the colours of the difference."""
    picture = Image.open(ROOT / "demo_out" / "demo.png").convert("RGB")
    size = (WIDTH, round(picture.height * WIDTH / picture.width))
    greys = np.linspace(0, 255, GREYS)[:, None].repeat(3, axis=1)
    colours = 255 * DIVERGING(np.linspace(0, 1, COLOURS))[:, :3]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.vstack([greys, colours]).round().astype(np.uint8).ravel().tolist())
    small = picture.resize(size, Image.Resampling.LANCZOS)
    small = small.quantize(palette=palette, dither=Image.Dither.NONE)
    small.save(ROOT / "docs" / "images" / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
