"""How much memory a run plans, and how much it takes, for large scans.

    python benchmarks/memory.py [--cases ct mr volumes] [--memory 2GB] [--tiles N] [--scans DIR]

Writes scans of noise on an ellipsoid (CT of 512 x 512 x 400 for ct-denoise; MR of 320 x 320 x 320
and of 300 volumes of 64 x 64 x 40 for mr-denoise-fast), asks `medddim enhance --dry-run` what each
takes, runs it, and runs it once more with an address space of 0.6 of the plan. One JSON line each.
With --tiles, a network computes only its first N tiles and hands on the rest, for every tile takes
the same memory: the peak is that of the whole run, the seconds are not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

CASES = {
    "ct": ("CT", (1, 512, 512, 400), (0.7, 0.7, 1.0), "ct-denoise"),
    "mr": ("MR", (1, 320, 320, 320), (0.8, 0.8, 0.8), "mr-denoise-fast"),
    "volumes": ("MR", (300, 64, 64, 40), (3.0, 3.0, 3.0), "mr-denoise-fast"),
}
CHILD = """
import itertools, os, resource, sys
limit, tiles = int(os.environ["LIMIT"]), int(os.environ["TILES"])
if limit:
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from medddim.cli import main
if tiles:
    from medddim.diffusion.denoiser import Denoiser
    call, count = Denoiser.__call__, itertools.count()
    def some(self, state, level, known):
        if next(count) < tiles + 3:  # three are for the plan and its measurement
            return call(self, state, level, known)
        return state[:, state.shape[1] // 2 : state.shape[1] // 2 + 1].clone()
    Denoiser.__call__ = some
from pathlib import Path
from medddim import memory
try:
    main()
finally:
    Path(os.environ["PEAK"]).write_text(str(memory.peak()))
"""


def make(folder: Path, case: str) -> None:
    """Write the scan of a case, as integers of 16 bits."""
    modality, (volumes, *shape), spacing, _ = CASES[case]
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
    inside = x**2 + y**2 + z**2 < 0.6
    rng = np.random.default_rng(0)
    low, high = (-1000.0, 40.0) if modality == "CT" else (0.0, 800.0)
    stored = np.empty((*shape, volumes), np.int16, order="F")
    for volume in range(volumes):
        for k in range(shape[2]):
            noise = rng.standard_normal(shape[:2], np.float32) * 20
            voxels = np.where(inside[..., k], high, low) + noise
            stored[..., k, volume] = voxels if modality == "CT" else np.abs(voxels)
    import nibabel  # as a scanner's export would be, not as medddim writes

    image = nibabel.Nifti1Image(stored[..., 0] if volumes == 1 else stored, np.diag([*spacing, 1]))
    image.header.set_xyzt_units("mm", "sec")
    folder.mkdir(parents=True)
    nibabel.save(image, folder / "scan.nii")
    (folder / "scan.json").write_text(json.dumps({"Modality": modality}))


def run(arguments: list[str], *, limit: int = 0, tiles: int = 0) -> tuple[int, float, list[str]]:
    """The exit code, the peak in MB and the lines of a command in a process of its own."""
    with tempfile.NamedTemporaryFile("r") as peak:
        more = {"LIMIT": str(limit), "TILES": str(tiles), "PEAK": peak.name}
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **more},
        )
        taken = int(peak.read() or 0)
    return done.returncode, taken / 1e6, done.stdout.splitlines()


def outcome_in(lines: list[str]) -> dict[str, Any]:
    """The outcome of the one scan."""
    return next((json.loads(one) for one in lines if '"status"' in one), {})


def judge(case: str, scans: Path, place: Path, *, memory: str, tiles: int) -> dict[str, Any]:
    """Plan, run, and run with too little."""
    options = ["--force", "--json", "--model", CASES[case][3]]
    if not scans.exists():
        make(scans, case)
    command = ["enhance", str(scans), "-o", str(place / "out"), *options]
    if memory:
        command += ["--memory", memory]
    _, dry_mb, lines = run([*command, "--dry-run"])
    planned = outcome_in(lines).get("planned") or outcome_in(lines) or lines[-1:]
    code, peak_mb, lines = run(command, tiles=tiles)
    done = outcome_in(lines)
    result = {"case": case, "planned": planned, "dry_run_peak_mb": round(dry_mb)}
    result |= {"exit": code, "peak_mb": round(peak_mb), "seconds": done.get("seconds")}
    if not done.get("planned"):
        return result | {"said": lines[-1:]}
    result["peak_over_plan"] = round(peak_mb / done["planned"]["memory_mb"], 3)
    limit = int(0.6e6 * done["planned"]["memory_mb"])
    code, peak_mb, lines = run([*command[:3], str(place / "less"), *command[4:]], limit=limit)
    said = outcome_in(lines).get("reason") or "\n".join(lines[-2:])
    return result | {"with_0.6": {"exit": code, "peak_mb": round(peak_mb), "said": said}}


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--memory", default="")
    parser.add_argument("--tiles", type=int, default=0)
    parser.add_argument("--scans", type=Path, help="keep the scans here, for the next time")
    asked = parser.parse_args()
    for case in asked.cases:
        with tempfile.TemporaryDirectory() as place:
            scans = (asked.scans or Path(place)) / case
            found = judge(case, scans, Path(place), memory=asked.memory, tiles=asked.tiles)
            print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
