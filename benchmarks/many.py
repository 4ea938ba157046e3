"""What grows with the number of scans: finding them, their record, the manifest.

    python benchmarks/many.py [--scans 1000] [--files 200] [--lines 10000]

Makes small NIfTI files and one DICOM series, times `find` over them, and reads and writes the
record and manifest of a run of so many lines. One thread; prints a JSON line, per scan or file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom

from medddim import formats, record
from medddim.formats import Derivation
from medddim.record import Outcome
from medddim.volume import Volume

SAMPLES = Path(__file__).resolve().parent.parent / "data_samples" / "phantom_mr_dicom"


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def make_nifti(folder: Path, count: int) -> None:
    """One small scan, under many names."""
    scan = Volume(np.ones((1, 8, 8, 4), np.float32), np.eye(4), modality="MR")
    (first,) = formats.write(scan, folder, name="0", derivation=Derivation("made", "made"))
    for number in range(1, count):
        (folder / f"{number}.nii.gz").write_bytes(first.read_bytes())


def make_dicom(folder: Path, count: int) -> None:
    """One series of so many slices."""
    dataset = pydicom.dcmread(sorted(SAMPLES.glob("*.dcm"))[0])
    folder.mkdir()
    for number in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.{number + 1}"
        dataset.InstanceNumber = number + 1
        dataset.ImagePositionPatient = [0, 0, number * float(dataset.SliceThickness)]
        dataset.save_as(folder / f"{number}.dcm")


def outcomes(count: int) -> list[Outcome]:
    """As long as those of `mr-denoise`."""
    job = {"kind": "denoise", "model": "mr-denoise", "model_sha256": "0" * 64, "steps": 1,
           "recipe_sha256": "0" * 64, "fidelity": 0.0, "seed": 0, "precision": "fp32"}  # fmt: skip
    facts = {"network_evaluations": 4, "noise_level": 0.05, "warning": "w" * 100}
    planned = {"seconds": 1.0, "memory_mb": 900, "tile": 512}
    return [
        Outcome(f"sub-{number:07d}/anat/T1w", "ok", files=1, job=job, facts=facts, planned=planned,
                inputs={"T1w.nii.gz": "0" * 64}, versions=record.versions(), device="cpu",
                outputs={f"sub-{number:07d}/anat/T1w.nii.gz": "0" * 64})
        for number in range(count)
    ]  # fmt: skip


def main() -> None:
    """Make, time, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=1000)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--lines", type=int, default=10000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_nifti(place / "nifti", asked.scans)
        make_dicom(place / "dicom", asked.files)
        nifti = cpu_s(lambda: formats.find(place / "nifti")) / asked.scans
        dicom = cpu_s(lambda: formats.find(place / "dicom")) / asked.files
        made = outcomes(asked.lines)
        text = "\n".join(one.line() for one in made) + "\n"
        (place / record.RECORD).write_text(text)
        read = cpu_s(lambda: record.last_lines(place)) / asked.lines
        write = cpu_s(lambda: record.write_manifest(place, made, job={}, scans_given=len(made)))
        size = (place / record.MANIFEST).stat().st_size
    print(
        json.dumps(
            {
                "find_nifti_ms_a_file": round(1e3 * nifti, 3),
                "find_dicom_ms_a_file": round(1e3 * dicom, 3),
                "record_bytes_a_scan": round(len(text) / asked.lines),
                "record_read_ms_a_scan": round(1e3 * read, 3),
                "manifest_write_ms_a_scan": round(1e3 * write / asked.lines, 3),
                "manifest_bytes_a_scan": round(size / asked.lines),
            }
        )
    )


if __name__ == "__main__":
    main()
