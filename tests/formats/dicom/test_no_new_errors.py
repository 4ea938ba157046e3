"""No result has a kind of error, by dciodvfy, that its source lacks: on every kind of stack."""

from pathlib import Path
from typing import Any

import pytest

from medddim import formats
from medddim.batch import validators
from medddim.formats import Derivation
from tests.formats.dicom.test_conformance import finer, needs_dciodvfy
from tests.formats.dicom.test_order import STACKS, acquired, stored
from tests.formats.dicom.test_private_diffusion import VECTORS, VENDORS, canon
from tests.formats.dicom.test_stack_by import private_echo

pytestmark = needs_dciodvfy


def new_errors(folder: Path, out: Path, **options: Any) -> set[str]:
    """The kinds of error of any result that its source lacks; the last file of each is judged."""
    (series,) = formats.find(folder, **options)
    scan = formats.read(series)
    made = {
        "identity": scan,
        "denoise": scan,
        "superresolve": finer(scan, 1, 1, 2) if scan.channels == 1 else scan,
        "degrade": scan,
    }
    files = []
    for kind, volume in made.items():
        derivation = Derivation(kind, "For judgement.", {"model": "m"})
        written = formats.write(volume, out / kind, name="x", derivation=derivation)
        files.append(written[-1])
    files += formats.write_map(scan, out / "map", of=written, quantity="residual")[:1]
    return set(validators.kinds_of(files)) - set(validators.kinds_of(series.files[-1:]))


@pytest.mark.parametrize("kind", ["classic", "one file"])
@pytest.mark.parametrize("by", ["direction", "inversion time", "trigger", "temporal position"])
@pytest.mark.daily(2)
def test_stacks(scanner: Any, tmp_path: Path, *, by: str, kind: str) -> None:
    assert not new_errors(stored(scanner, acquired(scanner, STACKS[by]), kind), tmp_path)


@pytest.mark.parametrize("vendor", [*(one for one, _ in VENDORS), canon], ids=lambda x: x.__name__)
@pytest.mark.daily(1)
def test_diffusion_of_vendors(scanner: Any, tmp_path: Path, vendor: Any) -> None:
    made = acquired(scanner, [{"InPlanePhaseEncodingDirection": "COL"}] * 4)
    for stack, g in zip(made, VECTORS, strict=True):
        for dataset in stack:
            vendor(dataset, 1000.0 if any(g) else 0.0, g)
    assert not new_errors(stored(scanner, made, "classic"), tmp_path)


def test_stacks_that_the_user_names(scanner: Any, tmp_path: Path) -> None:
    made = acquired(scanner, [{}] * 3)
    for number, stack in enumerate(made):
        for dataset in stack:
            private_echo(dataset, number)
    folder = stored(scanner, made, "classic")
    assert not new_errors(folder, tmp_path, stack_by="(0019,10A2)")


@pytest.mark.daily(1)
@pytest.mark.filterwarnings("ignore:.*clipped to the stored range")  # cubic, below air
@pytest.mark.parametrize(
    ("repair", "offset"), [({"on_gap": "interpolate"}, 0.0), ({"on_tilt": "resample"}, 0.7)]
)
def test_repairs(scanner: Any, tmp_path: Path, *, repair: Any, offset: float) -> None:
    slices = scanner.slices(
        8, modality="CT", shape=(24, 24), RescaleSlope="1", RescaleIntercept="-1024",
        GantryDetectorTilt="10",
    )  # fmt: skip
    for k, dataset in enumerate(slices):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y + offset * k, z]
    if not offset:
        del slices[3]
    assert not new_errors(scanner.store(slices), tmp_path, **repair)
