"""Maps that belong to a result - how sure it is, what it changed - as DICOM Parametric Maps.

After PS3.3 A.75; the object is highdicom's. It refers to the slices of the result it describes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from medddim import __version__
from medddim.errors import GridMismatch
from medddim.formats.atomic import new_file
from medddim.formats.contract import Quantity, Written
from medddim.formats.dicom.codes import Code
from medddim.formats.dicom.derive import LONGEST_LONG_STRING, described, settle_laterality
from medddim.formats.dicom.geometry import LPS_TO_RAS
from medddim.formats.dicom.uids import MAKER, derived_uid
from medddim.formats.guard import quiet, reading
from medddim.volume import Array, Volume

MEANING = {
    "uncertainty": Code("386136009", "SCT", "Standard deviation"),
    "residual": Code("RESIDUAL", "99MEDDDIM", "Result minus source"),
    "lower": Code("LOWER", "99MEDDDIM", "Lower end of interval"),
    "upper": Code("UPPER", "99MEDDDIM", "Upper end of interval"),
    "invented": Code("INVENTED", "99MEDDDIM", "Structure beyond source"),
}
CONTRAST = {
    "uncertainty": "STD_DEVIATION",
    "residual": "SUBTRACTION",
    "lower": "QUANTITY",
    "upper": "QUANTITY",
    "invented": "QUANTITY",
}
"""DerivedPixelContrast (PS3.3 C.8.16.2.1.4)."""
HOUNSFIELD = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
ARBITRARY = Code("[arb'U]", "UCUM", "arbitrary unit")
DEVIATIONS = Code("1", "UCUM", "no units")
TITLES = {
    "uncertainty": "Uncertainty of",
    "residual": "Residual of",
    "lower": "Lower end of",
    "upper": "Upper end of",
    "invented": "Invented in",
}
"""Before the description of the source: no rule that takes the result by its own takes the map."""
SERIES_OFFSET = {"uncertainty": 10, "residual": 20, "lower": 21, "upper": 22, "invented": 23}


def write_parametric_map(
    values: Volume, destination: Path, *, name: str, of: Sequence[Path], quantity: Quantity
) -> Written:
    """Write `name`.dcm, float32, about the slices `of` a written series.

    Of a series with several stacks each has a map of its own, `name`_1.dcm and so on. Identifiers
    follow from the series, the quantity and the values. Raises GridMismatch if `values` has not
    one image for each slice, WriteRefused if a file exists.
    """
    slices = [_header(path) for path in of]
    for one in slices:  # they agree but for rounding, and highdicom asks for equal numbers
        one.ImageOrientationPatient = slices[0].ImageOrientationPatient
        one.PixelSpacing = slices[0].PixelSpacing
    columns, rows, count = values.shape
    expected = (len(slices), int(slices[0].Rows), int(slices[0].Columns))
    if (values.channels * count, rows, columns) != expected:
        raise GridMismatch(
            f"{of[0].parent}: a map of it needs {expected} slices, rows and columns, found "
            f"{(values.channels * count, rows, columns)}"
        )
    files = []
    runs_back = _runs_back(values, slices[0])
    for channel, image_values in enumerate(values.voxels):
        voxels = image_values[..., ::-1] if runs_back else image_values
        ending = f"_{channel + 1}" if values.channels > 1 else ""
        stack = slices[channel * count : (channel + 1) * count]
        unit = HOUNSFIELD if values.in_hu else ARBITRARY
        unit = DEVIATIONS if quantity == "invented" else unit
        with quiet():
            image = _image(voxels, stack, quantity=quantity, unit=unit, number=channel + 1)
            files.append(destination / f"{name}{ending}.dcm")
            with new_file(files[-1]) as stream:
                image.save_as(stream)
    return Written(files)


def _runs_back(values: Volume, first: Dataset) -> bool:
    """Whether the first slice written is the last one of the grid: files run along the normal."""
    lps = LPS_TO_RAS @ values.affine
    here = np.asarray(first.ImagePositionPatient, dtype=np.float64) - lps[:3, 3]
    there = here - (values.shape[2] - 1) * lps[:3, 2]
    return bool(np.linalg.norm(there) < np.linalg.norm(here))


def _header(path: Path) -> Dataset:
    with reading(path, "DICOM"):
        return pydicom.dcmread(path, stop_before_pixels=True)


def _image(
    voxels: Array, slices: Sequence[Dataset], *, quantity: Quantity, unit: Code, number: int
) -> Dataset:
    from highdicom import VOILUTTransformation  # here: importing it takes seconds
    from highdicom.pm import ParametricMap, RealWorldValueMapping
    from pydicom.sr import coding

    frames = np.ascontiguousarray(voxels.transpose(2, 1, 0))
    low, high = float(frames.min()), float(frames.max())
    first = slices[0]
    digest = hashlib.sha256(frames.tobytes()).hexdigest()
    series = derived_uid("map", quantity, str(first.SeriesInstanceUID))
    image = ParametricMap(
        slices,
        frames,
        series_instance_uid=series,
        series_number=int(first.get("SeriesNumber") or 0) + SERIES_OFFSET[quantity],
        sop_instance_uid=derived_uid(series, str(number), digest),
        instance_number=number,
        manufacturer=MAKER,
        manufacturer_model_name=MAKER,
        software_versions=__version__,
        device_serial_number="none",
        contains_recognizable_visual_features=first.get("RecognizableVisualFeatures") != "NO",
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label=quantity.upper(),
                lut_explanation=MEANING[quantity].meaning,
                unit=coding.Code(*unit),
                value_range=(low, max(high, low + 1e-6)),
                slope=1.0,
                intercept=0.0,
                quantity_definition=coding.Code(*MEANING[quantity]),
            )
        ],
        voi_lut_transformations=[
            VOILUTTransformation(window_center=(low + high) / 2, window_width=max(high - low, 1.0))
        ],
        content_label=quantity.upper(),
        content_description=f"{MEANING[quantity].meaning}; not for primary diagnosis",
        derived_pixel_contrast=CONTRAST[quantity],
    )
    _complete(image, first, quantity)
    _order_like(image, slices)
    return image


def _order_like(image: Dataset, slices: Sequence[Dataset]) -> None:
    """Frames in the order of the files they are about; highdicom sorts them the other way."""
    groups = list(image.PerFrameFunctionalGroupsSequence)
    places = [group.PlanePositionSequence[0].ImagePositionPatient for group in groups]
    ends = [np.array(one.ImagePositionPatient, dtype=np.float64) for one in (slices[0], slices[-1])]
    first = np.array(places[0], dtype=np.float64)
    if len(groups) < 2 or np.linalg.norm(first - ends[0]) <= np.linalg.norm(first - ends[1]):
        return
    image.PerFrameFunctionalGroupsSequence = groups[::-1]
    voxels = np.frombuffer(image.FloatPixelData, "<f4").reshape(len(groups), -1)
    image.FloatPixelData = voxels[::-1].tobytes()


def _complete(image: Dataset, first: Dataset, quantity: Quantity) -> None:
    """What the module of the series needs and highdicom leaves out."""
    if first.get("BodyPartExamined"):
        image.BodyPartExamined = first.BodyPartExamined
    if first.get("Laterality"):
        image.Laterality = first.Laterality
    if first.get("AnatomicRegionSequence"):
        image.AnatomicRegionSequence = first.AnatomicRegionSequence
    settle_laterality(image)
    image.SeriesDescription = f"{TITLES[quantity]} {described(first)}"[:LONGEST_LONG_STRING].strip()
    image.BurnedInAnnotation = "NO"
