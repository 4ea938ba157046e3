"""Real scans that ship inside installed packages: for the demo, the tests and the docs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from medddim.errors import EnvironmentProblem
from medddim.volume import Volume


def mr_head() -> Volume:
    """The MNI152 T1 template (ICBM 2009a, 1 mm, skull removed) that ships inside nilearn.

    An average of 152 adult heads, so smoother than a single scan, and free of noise. Fonov et al.
    2011. Raises EnvironmentProblem if nilearn is not installed.
    """
    if find_spec("nilearn") is None:
        raise EnvironmentProblem("the sample head ships with nilearn: pip install medddim[demo]")
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=1)
    return Volume(np.asarray(image.dataobj)[None], image.affine, modality="MR")


def mr_dicom() -> Path:
    """One real MR slice, DICOM, that ships inside pydicom."""
    from pydicom.data import get_testdata_file

    path = get_testdata_file("examples_overlay.dcm", download=False)
    if not isinstance(path, str):
        raise EnvironmentProblem("pydicom's example files are not installed with it")
    return Path(path)
