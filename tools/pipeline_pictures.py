"""The pictures of docs/how-to/pipelines/, from runs: python tools/pipeline_pictures.py."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nibabel as nib
import numpy as np

mpl.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SCAN = ROOT / "data_samples" / "phantom_mr.nii.gz"
MEDDDIM = (sys.executable, "-c", "import medddim.cli; medddim.cli.main()")
COLOURS = {"entity": "#f6e8a2", "activity": "#a9b9e8", "agent": "#f0c489"}


def enhance(*arguments: str) -> None:
    """Run the command."""
    subprocess.run([*MEDDDIM, "enhance", "--quality", "fast", *arguments], check=True)


def volumes(folder: Path) -> None:
    """A slice of a volume, of what `--volume` makes of it, and the difference."""
    enhance("--volume", str(folder / "volume.nii.gz"), str(SCAN))
    before, after = (
        np.asarray(nib.load(path).dataobj, float) for path in (SCAN, folder / "volume.nii.gz")
    )
    middle = before.shape[2] // 2
    top = float(np.percentile(before, 99.5))
    shown = {
        "in": (before, "gray", 0, top),
        "out": (after, "gray", 0, top),
        f"in - out, ±{0.2 * top:.0f}": (before - after, "RdBu_r", -0.2 * top, 0.2 * top),
    }
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.8), layout="constrained")
    for axis, (title, (voxels, colours, low, high)) in zip(axes, shown.items(), strict=True):
        axis.imshow(voxels[:, :, middle].T, cmap=colours, vmin=low, vmax=high, origin="lower")
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    figure.savefig(IMAGES / "pipelines.png", dpi=110)


def provenance(folder: Path) -> None:
    """What medddim.prov.json of a run of one scan says, as a graph."""
    enhance("-o", str(folder / "better"), str(SCAN))
    said = json.loads((folder / "better" / "medddim.prov.json").read_text())
    (result, *_) = (one["prov:entity"] for one in said["wasGeneratedBy"].values())
    (scan, *_) = (one["prov:usedEntity"] for one in said["wasDerivedFrom"].values())
    (weights, *_) = (
        one["prov:entity"] for one in said["used"].values() if one["prov:role"] == "weights"
    )
    (run,), (agent,) = said["activity"], said["agent"]
    places = {scan: (0, 1), weights: (0, 0), run: (1, 0.5), agent: (1, -0.45), result: (2, 0.5)}
    figure, axis = plt.subplots(figsize=(8.5, 3.4), layout="constrained")
    for relation, (start, end) in _arrows(said):
        (x, y), (u, v) = places[start], places[end]
        style = {"arrowstyle": "-|>", "color": "#555555", "shrinkA": 42, "shrinkB": 52}
        axis.annotate("", (u, v), (x, y), arrowprops=style)
        axis.text((x + u) / 2, (y + v) / 2 + 0.04, relation, fontsize=7, ha="center")
    for name, place in places.items():
        kind = next(kind for kind in COLOURS if name in said[kind])
        box = {"boxstyle": "round,pad=0.5", "facecolor": COLOURS[kind], "edgecolor": "#555555"}
        axis.text(*place, _text(said, kind, name), bbox=box, fontsize=7, ha="center", va="center")
    axis.set(xlim=(-0.4, 2.4), ylim=(-0.7, 1.25))
    axis.axis("off")
    figure.savefig(IMAGES / "provenance.png", dpi=110)


def _arrows(said: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    """Each relation that has two ends in the picture, from what was made to what it was made of."""
    ends = {
        "used": ("activity", "entity"),
        "wasGeneratedBy": ("entity", "activity"),
        "wasAssociatedWith": ("activity", "agent"),
    }
    return [
        (relation, (one[f"prov:{start}"], one[f"prov:{end}"]))
        for relation, (start, end) in ends.items()
        for one in said[relation].values()
    ]


def _text(said: dict[str, Any], kind: str, name: str) -> str:
    one = said[kind][name]
    if kind == "activity":
        lines = [f"{key}: {one[f'medddim:{key}']}" for key in ("steps", "seed", "noise_level")]
        return "\n".join([name[:20], *lines])
    if kind == "agent":
        return str(one["prov:label"])
    label = one.get("prov:label") or Path(one["medddim:path"][0]).name
    return f"{label}\n{name[:19]}…"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        volumes(Path(place))
        provenance(Path(place))
