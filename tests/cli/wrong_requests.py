"""Requests that are wrong, verb by verb, with what is said of them; in the folder of `place`."""

import json
from pathlib import Path

from medddim.cli.devices import why_absent
from tests import studies

ENHANCE = ["study", "-o", "out"]
RUN = ["-o", "run", "--data", "study"]
DEVICES = [name for name in ("cuda", "mps") if why_absent(name)]

WRONG = {
    "enhance": [
        (["nowhere", "-o", "out"], "does not exist"),
        (["stduy/head.nii.gz", "-o", "out"], "did you mean study?"),
        (["empty", "-o", "out"], "no scan in empty"),
        (["texts", "-o", "out"], "1 file looked at"),
        (["study", "-o", "study/out"], "choose one beside it"),
        (["study", "-o", "."], "such as study-results"),
        (["study/head.nii.gz", "-o", "a/x.nii.gz"], "with -o a/x the result is a/x/head.nii.gz"),
        (["study/head.nii.gz", "-o", "study"], "such as study-results"),
        (["study"], "--output"),
        ([*ENHANCE, "--model", "mr-denois"], "did you mean mr-denoise"),
        ([*ENHANCE, "--model", "broken"], "expected one of scan-noise"),
        ([*ENHANCE, "--model", "identity", "--residual"], "identity changes nothing"),
        ([*ENHANCE, "--fidelity", "0.5"], "--steps 8"),
        ([*ENHANCE, "--model", "mr-denoise", "--factor", "4"], "denoises"),
        ([*ENHANCE, "--model", "mr-superres"], "needs a factor"),
        ([*ENHANCE, "--factor", "4", "--spacing", "1"], "say the same thing"),
        ([*ENHANCE, "--factor", "none"], "a whole number such as 4"),
        ([*ENHANCE, "--spacing", "1,2"], "1 or 3 lengths"),
        ([*ENHANCE, "--noise", "much"], "is not a valid share"),
        ([*ENHANCE, "--noise", "700%"], "not in the range"),
        ([*ENHANCE, "--steps", "0"], "not in the range"),
        ([*ENHANCE, "--sampler", "ddmi"], "expected a sampler of ddim"),
        ([*ENHANCE, "--sampler", "ancstral"], "did you mean ancestral"),
        ([*ENHANCE, "--quality", "bset"], "did you mean best"),
        ([*ENHANCE, "--precision", "fp16"], "is not one of 'auto'"),
        ([*ENHANCE, "--device", "gpu"], "is not one of 'auto'"),
        ([*ENHANCE, "--on-gap", "interpolat"], "did you mean interpolate"),
        ([*ENHANCE, "--samples", "3", "--model", "ct-denoise"], "draws no noise"),
        ([*ENHANCE, "--samples", "3", "--steps", "1"], "more than 1 step"),
        ([*ENHANCE, "--samples", "3", "--fidelity", "0.5"], "shrink the spread"),
        ([*ENHANCE, "--interval", "91"], "expected an interval of"),
        ([*ENHANCE, "--interval", "90", "--steps", "8"], "the answer of one step"),
        ([*ENHANCE, "--interval", "90", "--model", "mr-denoise-vp"], "no calibrated intervals"),
        ([*ENHANCE, "--receipt", "--factor", "4"], "a receipt is for denoising"),
        ([*ENHANCE, "--select", "Modalty=MR"], "did you mean Modality"),
        ([*ENHANCE, "--select", "Modality=CT"], "chose none of the 1"),
        ([*ENHANCE, "--stack-by", "EchoTim"], "EchoTime"),
        ([*ENHANCE, "-f", "%n"], "patient"),
        ([*ENHANCE, "--workers", "2", "--scheduler", "tcp://host:1"], "give one"),
        ([*ENHANCE, "--shard", "3/2"], "expected"),
        ([*ENHANCE, "--memory", "lots"], "a size such as 2GB"),
        *(([*ENHANCE, "--device", name], "not available here") for name in DEVICES),
    ],
    "degrade": [
        (["empty", "-o", "out", "--as", "rician"], "no scan in empty"),
        (["study", "-o", "study/out", "--as", "rician"], "choose one beside it"),
        (["study", "-o", ".", "--as", "rician"], "such as study-results"),
        (["study", "-o", "x.mha", "--as", "rician"], "with -o x the result is"),
        ([*ENHANCE, "--as", "ricean"], "did you mean rician"),
        ([*ENHANCE, "--as", "mr-scanner", "--preset", "whit"], "did you mean white"),
        ([*ENHANCE, "--as", "rician", "--kernel", "soft"], "means nothing to"),
        ([*ENHANCE, "--as", "thick-slices"], "needs --thickness"),
        ([*ENHANCE, "--as", "rician", "--level", "700%"], "not in the range"),
    ],
    "train": [
        ([], "--init mine.yaml"),
        (["mr_denois_2d", *RUN], "did you mean mr_denoise_2d"),
        (["mine.yaml", *RUN], "--init mine.yaml --data SCANS"),
        (["folder.yaml", *RUN], "cannot read the recipe folder.yaml: Is a directory"),
        (["path.yaml", *RUN], "expected one of scan-noise"),
        (["sampler.yaml", *RUN], "expected one of ddim"),
        (["mr_denoise_2d", "-o", "run"], "data.root is empty"),
        (["mr_denoise_2d", "-o", "run", "--data", "nowhere"], "expected a folder"),
        (["mr_denoise_2d", "-o", "run", "--data", "empty"], "found none among 0 scans"),
        (["mr_denoise_2d", "-o", "run", "--data", "texts"], "found none among 0 scans"),
        (["ct_denoise_2d", "-o", "run", "--data", "mr"], "expected CT scans"),
        (["mr_denoise_2d", "-o", "run", "--data", "study/*.mgz"], "matches '*.mgz'"),
        (["mr_denoise_2d", "-o", "study/run", "--data", "study"], "choose one beside it"),
        (["mr_denoise_2d", "-o", "study", "--data", "study/*.nii.gz"], "choose one beside it"),
        (["mr_denoise_2d", "-o", "begun", "--data", "study"], "already holds a run"),
        (["begins.yaml", *RUN], "no model 'nowhere'"),
        (["mr_denoise_2d", *RUN, "--devices", "3"], "cannot share it evenly"),
        (["mr_denoise_2d", "--data", "study"], "either -o RUN or --smoke"),
        (["mr_denoise_2d", *RUN, "--smoke"], "-o means nothing to `train --smoke`"),
        (["mr_denoise_2d", *RUN, "--hours", "1"], "--hours means nothing to `train -o`"),
        (["--init", "new.yaml"], "--data"),
        (["--init", "new.yaml", "--data", "nowhere"], "expected a folder"),
        (["--init", "new.yaml", "--data", "empty"], "no scan in empty"),
        (["--init", "new.yaml", "--data", "study/*.mgz"], "matches '*.mgz'"),
        (["--init", "path.yaml", "--data", "study"], "is there already"),
        (["--init", "new.yaml", "--data", "study", "--minutes", "9"], "--minutes means nothing"),
        *((["mr_denoise_2d", *RUN, "--device", name], "not available here") for name in DEVICES),
    ],
    "evaluate": [
        (["study", "study", "-o", "out", "--protocol", "mr-i"], "unknown protocol"),
        (["study", "study", "-o", "out", "--protocol", "fastmr"], "did you mean fastmri"),
        (["study", "study", "-o", "study/out"], "choose one beside it"),
        (["study", "nowhere", "-o", "out"], "does not exist"),
        (["empty", "study", "-o", "out"], "no scan"),
    ],
    "report": [
        (["study"], "no result on record"),
        (["nowhere"], "does not exist"),
    ],
    "verify": [(["study"], "expected the manifest"), (["nowhere"], "does not exist")],
    "inspect": [
        (["nowhere"], "does not exist"),
        (["empty"], "no scan in empty"),
        (["study", "--exclude", "Modalty=MR"], "did you mean Modality"),
    ],
    "models": [(["show", "mr-denois"], "did you mean mr-denoise"), (["shw"], "No such command")],
    "export": [
        (["onnx", "mr-denois", "-o", "out"], "did you mean mr-denoise"),
        (["onnx", "mr-denoise", "-o", "study"], "study is there already"),
        (["bundle", "mr-denois", "-o", "out"], "did you mean mr-denoise"),
        (["bundle", "mr-denoise", "-o", "study"], "study is there already"),
        (["boutiques", "-o", "path.yaml"], "path.yaml is there already"),
    ],
    "bids": [
        (["study", "out", "participant"], "expected a BIDS data set"),
        (["bids", "bids", "participant"], "is the data set itself"),
        (["bids", "out", "participant", "--model", "mr-denois"], "did you mean mr-denoise"),
        (["bids", "out", "group"], "is not 'participant'"),
    ],
    "listen": [
        (["--queue", "queue", "--to", "archive"], "expected TITLE@HOST:PORT"),
        (["--queue", "queue", "--to", "A@h:1", "--host", "0.0.0.0"], "--allow TITLE"),
        (["--queue", "queue", "--to", "A@h:1", "--model", "mr-denois"], "did you mean mr-denoise"),
    ],
    "fetch": [(["A@h:1", "1.2", "-o", "out"], "expected an http or https URL")],
    "send": [
        (["study", "--to", "archive"], "expected TITLE@HOST:PORT"),
        (["empty", "--to", "A@h:1"], "no DICOM file"),
    ],
    "demo": [(["-o", "study"], "is not empty")],
    "selftest": [(["--quick"], "No such option")],
}
"""Of each verb: its arguments, and what has to be said."""

NOTHING_THERE = (
    "no scan", "1 file looked at", "found none among", "chose none", "matches", "expected CT scans",
    "no result on record", "expected the manifest", "expected a BIDS data set", "no DICOM file",
)  # fmt: skip
"""Words about a request that is right, of a place where there is nothing for it."""


def code_of(words):
    """The exit code that goes with what has to be said: docs/reference/exit-codes.md."""
    if "not available here" in words:
        return 3
    return 1 if words.startswith(NOTHING_THERE) else 2


ALL = [([verb, *arguments], words) for verb, many in WRONG.items() for arguments, words in many]


def place(folder: Path) -> None:
    """Make what the requests name: one small scan in `study`, and what is beside it."""
    studies.nifti(folder / "study")
    studies.dicom(folder / "mr")
    for name in ("empty", "texts", "folder.yaml", "begun", "broken", "bids"):
        (folder / name).mkdir()
    (folder / "texts" / "readme.txt").write_text("no scan")
    (folder / "begun" / "run.safetensors").write_bytes(b"")
    described = {"Name": "heads", "BIDSVersion": "1.10.0"}
    (folder / "bids" / "dataset_description.json").write_text(json.dumps(described))
    for field in ("path", "sampler"):
        misspelt = {"task": "denoise", "name": "x", "diffusion": {field: "ddmi"}}
        (folder / f"{field}.yaml").write_text(json.dumps(misspelt))
    (folder / "broken" / "recipe.yaml").write_text((folder / "path.yaml").read_text())
    (folder / "broken" / "weights.safetensors").write_bytes(b"")
    beginning = {"name": "x", "modality": "MR", "training": {"start_from": "nowhere"}}
    (folder / "begins.yaml").write_text(json.dumps(beginning))
