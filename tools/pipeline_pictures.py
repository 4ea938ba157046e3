"""The pictures of docs/how-to/pipelines/, from runs: python tools/pipeline_pictures.py."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl
import nibabel as nib
import numpy as np
import pydicom

mpl.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SCAN = ROOT / "data_samples" / "phantom_mr.nii.gz"
CLEAN = SCAN.with_name("phantom_mr_clean.nii.gz")
DICOM = SCAN.with_name("phantom_mr_dicom")
MEDDDIM = (sys.executable, "-c", "import medddim.cli; medddim.cli.main()")
COLOURS = {"entity": "#f6e8a2", "activity": "#a9b9e8", "agent": "#f0c489"}


def medddim(verb: str, *arguments: str) -> None:
    """Run the command."""
    subprocess.run([*MEDDDIM, verb, *arguments], check=True)


def enhance(*arguments: str) -> None:
    """Run the command with the small model."""
    medddim("enhance", "--quality", "fast", *arguments)


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


def data_set(folder: Path) -> None:
    """The tree that `medddim bids` writes, and an image of each kind beside its source."""
    raw, out = folder / "raw", folder / "raw" / "derivatives" / "medddim"
    about = {"Name": "Phantoms", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
    raw.mkdir()
    (raw / "dataset_description.json").write_text(json.dumps(about))
    clean = nib.load(CLEAN)
    voxels = np.asarray(clean.dataobj, float)
    chance = np.random.default_rng(0)
    for subject in ("01", "02"):
        for kind, suffix in (("anat", "T1w"), ("anat", "FLAIR"), ("dwi", "dwi")):
            place = raw / f"sub-{subject}" / kind
            place.mkdir(parents=True, exist_ok=True)
            stem = place / f"sub-{subject}_{suffix}"
            nib.save(_noisy(clean, voxels, suffix, chance), f"{stem}.nii.gz")
            Path(f"{stem}.json").write_text('{"Modality": "MR"}')
            if kind == "dwi":
                Path(f"{stem}.bval").write_text("0 1000\n")
                Path(f"{stem}.bvec").write_text("0 1\n0 0\n0 0\n")
    medddim("bids", str(raw), str(out), "participant")
    figure = plt.figure(figsize=(9, 4.6), layout="constrained")
    tree, shown = figure.subfigures(1, 2, width_ratios=(1, 1.25))
    tree.text(0.02, 0.98, "\n".join(_tree(out)), family="monospace", fontsize=6.5, va="top")
    axes = shown.subplots(2, 3)
    for column, suffix in enumerate(("T1w", "FLAIR", "dwi")):
        (result,) = out.glob(f"sub-01/*/*desc-denoised_{suffix}.nii.gz")
        (source,) = raw.glob(f"sub-01/*/*_{suffix}.nii.gz")
        for axis, path in zip(axes[:, column], (source, result), strict=True):
            axis.imshow(_middle(path), cmap="gray", vmin=0)
            axis.set_title(path.name.removesuffix(".nii.gz"), fontsize=6.5)
            axis.axis("off")
    figure.savefig(IMAGES / "bids.png", dpi=110)


def _noisy(clean: Any, voxels: Any, suffix: str, chance: np.random.Generator) -> Any:
    """The phantom in the contrast of this kind of image, with Rician noise."""
    top = voxels.max()
    contrasts = {"T1w": [voxels], "FLAIR": [top * (voxels / top) ** 0.4 * (voxels > 0.1 * top)]}
    images = np.stack(contrasts.get(suffix, [voxels, 0.5 * voxels]), axis=-1)
    one, two = 0.07 * top * chance.normal(size=(2, *images.shape))
    return nib.Nifti1Image(np.hypot(images + one, two).squeeze().astype(np.float32), clean.affine)


def _middle(path: Path) -> Any:
    voxels = np.asarray(nib.load(path).dataobj, float)
    voxels = voxels[..., -1] if voxels.ndim == 4 else voxels
    return voxels[:, ::-1, voxels.shape[2] // 2].T


def _tree(folder: Path) -> list[str]:
    """A line for each file that is not a record of the run."""
    lines = ["derivatives/medddim/"]
    for place, folders, files in os.walk(folder):
        folders.sort()
        depth = len(Path(place).relative_to(folder).parts)
        if depth:
            lines.append("  " * depth + f"{Path(place).name}/")
        kept = (name for name in sorted(files) if not name.startswith("medddim"))
        lines += ["  " * (depth + 1) + name for name in kept]
    return lines


def archive(folder: Path) -> None:
    """A study as an archive lists and shows it: the source, and the derived series beside it."""
    enhance("-o", str(folder / "study"), str(DICOM))
    figure, axes = plt.subplots(1, 2, figsize=(7, 4.1), layout="constrained")
    for axis, series in zip(axes, (DICOM, folder / "study" / DICOM.name), strict=True):
        files = sorted(series.glob("*.dcm"))
        image = pydicom.dcmread(files[len(files) // 2])
        axis.imshow(image.pixel_array, cmap="gray", **_window(image))
        listed = f"{len(files)} images, {image.Modality}, " + "\\".join(image.ImageType)
        said = f"series {image.SeriesNumber}: {image.SeriesDescription}\n{listed}"
        axis.set_title(said, fontsize=8)
        axis.axis("off")
    figure.suptitle("one study, one frame of reference", fontsize=9)
    figure.savefig(IMAGES / "pacs.png", dpi=110)


def _window(image: Any) -> dict[str, float]:
    """That of the header, else from the darkest to the brightest, as viewers have it."""
    if "WindowCenter" not in image:
        return {}
    center, width = float(image.WindowCenter), float(image.WindowWidth)
    slope, intercept = image.get("RescaleSlope", 1), image.get("RescaleIntercept", 0)
    ends = (center - width / 2, center + width / 2)
    low, high = ((end - float(intercept)) / float(slope) for end in ends)
    return {"vmin": low, "vmax": high}


def workflow(folder: Path) -> None:
    """A nipype workflow around `medddim enhance`: its graph, and what went through it."""
    os.environ["NO_ET"] = "1"  # nipype asks no server for its newest version
    from nipype import Node, Workflow
    from nipype.interfaces.utility import IdentityInterface, Merge

    from medddim.integrations.nipype import Enhance

    scans = Node(IdentityInterface(["scans"]), name="scans")
    scans.iterables = [("scans", [str(SCAN), str(DICOM)])]
    node = Node(Enhance(quality="fast", residual=True), name="enhance")
    joined = Node(Merge(2, ravel_inputs=True), name="gathered")
    flow = Workflow("denoising", base_dir=str(folder / "work"))
    flow.connect(
        [
            (scans, node, [("scans", "scans")]),
            (node, joined, [("out_files", "in1"), ("out_maps", "in2")]),
        ]
    )
    run = flow.run()
    depth = {"enhance": 0, "gathered": 1}
    figure, axis = plt.subplots(figsize=(8.5, 2.6), layout="constrained")
    places: dict[Any, tuple[float, float]] = {}
    for one in sorted(run.nodes(), key=str):
        row = sum(place[0] == depth[one.name] for place in places.values())
        places[one] = (depth[one.name], -row)
        axis.text(*places[one], _node(one), bbox=BOX, fontsize=7, ha="center", va="center")
    for start, end, how in run.edges(data=True):
        style = {"arrowstyle": "-|>", "color": "#555555", "shrinkA": 55, "shrinkB": 85}
        axis.annotate("", places[end], places[start], arrowprops=style)
        (x, y), (u, v) = places[start], places[end]
        named = "\n".join(f"{one} → {other}" for one, other in how["connect"])
        axis.text((x + u) / 2 - 0.05, (y + v) / 2, named, fontsize=6.5, ha="center", va="center")
    axis.set(xlim=(-0.4, 1.4), ylim=(-1.5, 0.5))
    axis.axis("off")
    figure.savefig(IMAGES / "engines.png", dpi=110)


BOX = {"boxstyle": "round,pad=0.5", "facecolor": "#a9b9e8", "edgecolor": "#555555"}


def _node(node: Any) -> str:
    """The name of a node, and the files that it took or gave."""
    if node.name == "enhance":
        return f"enhance\n{Path(node.inputs.scans[0]).name}"
    return "gathered\n" + "\n".join(Path(one).name for one in node.result.outputs.out)


def monai_pipeline(folder: Path) -> None:
    """What MONAI's transforms and ours hand on, one after the other."""
    from monai.transforms import Compose, LoadImaged

    import medddim as md
    from medddim.integrations.monai import DegradeD, EnhanceD

    steps = [
        LoadImaged("image", ensure_channel_first=True),
        DegradeD("image", degradation=md.RicianNoise(0.05), seed=0),
        EnhanceD("image"),
    ]
    figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.8), layout="constrained")
    top = 1.2 * float(np.asarray(nib.load(CLEAN).dataobj).max())
    for count, axis in enumerate(axes, 1):
        voxels = Compose(steps[:count])({"image": str(CLEAN)})["image"][0].numpy()
        shown = voxels[:, ::-1, voxels.shape[2] // 2].T
        axis.imshow(shown, cmap="gray", vmin=0, vmax=top)
        axis.set_title(type(steps[count - 1]).__name__, fontsize=9)
        axis.axis("off")
    figure.savefig(IMAGES / "monai.png", dpi=110)


PICTURES = {
    "pipelines": volumes, "provenance": provenance, "bids": data_set, "pacs": archive,
    "engines": workflow, "monai": monai_pipeline,
}  # fmt: skip

if __name__ == "__main__":
    for name in sys.argv[1:] or PICTURES:
        with tempfile.TemporaryDirectory() as place:
            PICTURES[name](Path(place))
