"""NIfTI: stored integers come back exactly, bad headers are refused, nothing is guessed."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import Derivation

IDENTITY = Derivation("identity", "Nothing was changed.")
Make = Callable[..., Path]


def rewritten(path: Path, tmp_path: Path) -> nibabel.Nifti1Image:
    (file,) = formats.write(formats.read(path), tmp_path / "out", name="x", derivation=IDENTITY)
    return nibabel.load(file)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
@pytest.mark.parametrize(("slope", "inter"), [(1, 0), (0.0371, 0), (-2.5, 13.1), (1, -1024)])
def test_the_stored_numbers_come_back(
    nifti_file: Make, tmp_path: Path, *, dtype: str, order: str, slope: float, inter: float
) -> None:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        data = np.linspace(-3, 70, 60, dtype=np.float32).reshape(5, 4, 3).astype(order + dtype)
        slope, inter = 1, 0
    else:
        limits = np.iinfo(kind)
        data = np.linspace(max(limits.min, -40000), min(limits.max, 60000), 60)
        data = data.reshape(5, 4, 3).astype(order + dtype)
    image = nibabel.Nifti1Image(data, np.diag([2.0, 3.0, 4.0, 1.0]), dtype=order + dtype)
    image.header.set_slope_inter(slope, inter)
    path = tmp_path / "scan.nii"
    image.to_filename(path)
    again = rewritten(path, tmp_path)
    assert again.get_data_dtype() == kind
    assert again.header.endianness == "<"
    np.testing.assert_array_equal(again.dataobj.get_unscaled(), data)
    np.testing.assert_array_equal(again.dataobj.slope, nibabel.load(path).dataobj.slope)
    np.testing.assert_array_equal(again.affine, image.affine)


def test_physical_values_are_slope_times_stored_plus_intercept(nifti_file: Make) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = nifti_file(data=data, slope=0.5, inter=-3)
    np.testing.assert_array_equal(formats.read(path).voxels[0], data * 0.5 - 3)


@pytest.mark.parametrize("slope", [0, np.nan, np.inf])
def test_a_slope_that_is_none_is_none(nifti_file: Make, slope: float) -> None:
    path = nifti_file(data=np.full((2, 2, 2), 7, np.int16), scl_slope=slope, scl_inter=5)
    assert (formats.read(path).voxels == 7).all()


def test_the_header_stays_but_for_the_note(nifti_file: Make, tmp_path: Path) -> None:
    fields = {"sform_code": 4, "qform_code": 2, "cal_max": 150, "toffset": 2.5, "xyzt_units": 10}
    path = nifti_file(**fields, descrip=b"the patient's doctor")
    before, after = nibabel.load(path).header, rewritten(path, tmp_path).header
    for key in set(before) - {"descrip", "vox_offset"}:
        np.testing.assert_array_equal(after[key], before[key], err_msg=key)
    assert bytes(after["descrip"].item()) == b"medddim identity: Nothing was changed."


def test_extensions_of_the_header_are_left_behind(nifti_file: Make, tmp_path: Path) -> None:
    path = nifti_file("scan.nii")
    image = nibabel.load(path)
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(6, b"ZZPHI secret"))
    image.to_filename(path.with_name("with.nii"))
    (file,) = formats.write(
        formats.read(path.with_name("with.nii")), tmp_path, name="x", derivation=IDENTITY
    )
    assert b"ZZPHI" not in file.read_bytes()
    np.testing.assert_array_equal(nibabel.load(file).get_fdata(), image.get_fdata())


def test_equal_voxels_give_equal_bytes(nifti_file: Make, tmp_path: Path) -> None:
    volume = formats.read(nifti_file())
    one, two = (
        formats.write(volume, tmp_path / run, name="x", derivation=IDENTITY)[0] for run in "ab"
    )
    assert one.read_bytes() == two.read_bytes()


def test_values_beyond_the_type_are_clipped_and_counted(nifti_file: Make, tmp_path: Path) -> None:
    volume = formats.read(nifti_file(dtype="u1"))
    voxels = volume.voxels.copy()
    voxels[0, 0, 0, :3] = -7, 255.4, 900
    with pytest.warns(UserWarning, match="2 of 120 voxels clipped"):
        written = formats.write(volume.with_voxels(voxels), tmp_path, name="x", derivation=IDENTITY)
    assert "voxels clipped by 645 at most" in written.notes
    again = formats.read(tmp_path / "x.nii.gz")
    np.testing.assert_array_equal(again.voxels[0, 0, 0, :3], [0, 255, 255])


@pytest.mark.parametrize(
    ("shape", "voxels"),
    [
        ((6, 5), (1, 6, 5, 1)),
        ((6, 5, 4), (1, 6, 5, 4)),
        ((6, 5, 4, 1), (1, 6, 5, 4)),
        ((6, 5, 4, 3), (3, 6, 5, 4)),
        ((6, 5, 4, 3, 1, 1), (3, 6, 5, 4)),
        ((6, 5, 1, 3), (3, 6, 5, 1)),
    ],
)
def test_two_to_four_dimensions(
    nifti_file: Make, tmp_path: Path, *, shape: tuple[int, ...], voxels: tuple[int, ...]
) -> None:
    path = nifti_file(shape=shape)
    volume = formats.read(path)
    assert volume.voxels.shape == voxels
    stored = nibabel.load(path).get_fdata().reshape((*shape, 1, 1)[:4])
    np.testing.assert_array_equal(volume.voxels[-1], stored[:, :, :, -1])
    assert rewritten(path, tmp_path).shape == shape


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_not_finite_are_zero_inside_and_return(
    nifti_file: Make, tmp_path: Path, value: float
) -> None:
    data = np.ones((4, 3, 2, 2), np.float32)
    data[1, 2, 0, 1] = value
    path = nifti_file(data=data)
    assert formats.read(path).voxels[1, 1, 2, 0] == 0
    np.testing.assert_array_equal(rewritten(path, tmp_path).dataobj, data)


def test_a_scan_without_a_number_is_refused(nifti_file: Make) -> None:
    path = nifti_file(data=np.full((4, 3, 2), np.nan, np.float32))
    with pytest.raises(UnreadableScan, match="found no voxel that is finite"):
        formats.read(path)


def test_shear_is_kept(nifti_file: Make, tmp_path: Path) -> None:
    affine = np.array([[1, 0.2, 0, 5], [0, 1, 0, 6], [0, 0.3, 2, 7], [0, 0, 0, 1.0]])
    path = nifti_file(affine=affine, sform_code=1)
    np.testing.assert_allclose(formats.read(path).affine, affine, atol=1e-6)
    np.testing.assert_allclose(rewritten(path, tmp_path).affine, affine, atol=1e-6)


def test_the_sform_wins_over_a_qform_that_differs(
    nifti_file: Make, caplog: pytest.LogCaptureFixture
) -> None:
    path = nifti_file(sform_code=1, qform_code=1, srow_x=[-1, 0, 0, 50])
    assert formats.read(path).affine[0].tolist() == [-1, 0, 0, 50]
    assert "sform and qform differ" in caplog.text


@pytest.mark.parametrize(("code", "factor"), [(0, 1), (1, 1000), (2, 1), (3, 0.001)])
def test_lengths_are_millimetres(
    nifti_file: Make, tmp_path: Path, code: int, factor: float
) -> None:
    path = nifti_file(xyzt_units=code, affine=np.diag([1.8, 2.2, 5.0, 1.0]))
    volume = formats.read(path)
    np.testing.assert_allclose(volume.spacing_mm, np.array([1.8, 2.2, 5.0]) * factor, rtol=1e-6)
    again = rewritten(path, tmp_path)
    assert int(again.header["xyzt_units"]) == code
    np.testing.assert_array_equal(again.affine, nibabel.load(path).affine)


def test_the_sidecar_tells_the_modality(nifti_file: Make) -> None:
    path = nifti_file("ct.nii.gz")
    path.with_name("ct.json").write_text(json.dumps({"Modality": "CT", "PatientName": "ZZPHI"}))
    volume = formats.read(path)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    path.with_name("ct.json").write_text('["not", "an object"]')
    assert (formats.read(path).modality, formats.read(path).unit) == ("", "")


@pytest.mark.parametrize(
    "said", [{"Modality": "PT"}, {"Modality": "MR", "ImageType": ["ORIGINAL", "PHASE"]}]
)
def test_the_sidecar_of_no_magnitude_is_a_refusal(nifti_file: Make, said: Any) -> None:
    path = nifti_file("x.nii.gz")
    path.with_name("x.json").write_text(json.dumps(said))
    (series,) = formats.find(path)
    assert "in the JSON file beside it" in series.refusal
    with pytest.raises(UnsupportedScan, match="in the JSON file beside it"):
        formats.read(path)


NAN_AFFINE = {"srow_x": [np.nan, 0, 0, 0], "sform_code": 1}
SINGULAR = {"srow_x": [1, 1, 0, 0], "srow_y": [0, 0, 1, 0], "srow_z": [0] * 4, "sform_code": 1}
BAD_HEADERS = {
    "no place": ({"sform_code": 0, "qform_code": 0}, UnsupportedScan, "left and right"),
    "NaN affine": (NAN_AFFINE, UnreadableScan, "not finite"),
    "NaN qform": ({"sform_code": 0, "quatern_b": np.nan}, UnreadableScan, "bad.nii"),
    "singular affine": (SINGULAR, UnreadableScan, "singular"),
    "zero voxel": ({"pixdim": [1, 0, 1, 1, 0, 0, 0, 0]}, UnreadableScan, "voxel size"),
    "NaN voxel": ({"pixdim": [1, np.nan, 1, 1, 0, 0, 0, 0]}, UnreadableScan, "voxel size"),
    "negative size": ({"dim": [3, -6, 5, 4, 1, 1, 1, 1]}, UnreadableScan, "dimensions"),
    "no size": ({"dim": [3, 0, 5, 4, 1, 1, 1, 1]}, UnreadableScan, "dimensions"),
    "no dimensions": ({"dim": [0, 6, 5, 4, 1, 1, 1, 1]}, UnreadableScan, "bad.nii"),
    "one dimension": ({"dim": [1, 6, 5, 4, 1, 1, 1, 1]}, UnsupportedScan, "2 to 4 dimensions"),
    "five": ({"dim": [5, 2, 2, 2, 2, 2, 1, 1]}, UnsupportedScan, "2 to 4 dimensions"),
    "huge": ({"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, UnsupportedScan, "limit"),
    "more than the file": ({"dim": [3, 900, 900, 900, 1, 1, 1, 1]}, UnreadableScan, "truncated"),
    "labels": ({"intent_code": 1002}, UnsupportedScan, "labels"),
    "no such type": ({"datatype": 77}, UnreadableScan, "bad.nii"),
    "complex": ({"datatype": 32, "dim": [3, 2, 2, 2, 1, 1, 1, 1]}, UnsupportedScan, "complex"),
    "colours": ({"datatype": 128, "dim": [3, 2, 2, 2, 1, 1, 1, 1]}, UnsupportedScan, "colours"),
    "a pair": ({"magic": b"ni1"}, UnsupportedScan, "single-file"),
    "NaN offset": ({"vox_offset": np.nan}, UnreadableScan, "bad.nii"),
    "unit": ({"xyzt_units": 7}, UnreadableScan, "unit of length"),
    "intercept": ({"scl_slope": 2, "scl_inter": np.nan}, UnreadableScan, "bad.nii"),
}


@pytest.mark.parametrize("fault", BAD_HEADERS)
def test_a_bad_header_is_refused_with_the_reason(nifti_file: Make, fault: str) -> None:
    fields, error, reason = BAD_HEADERS[fault]
    path = nifti_file("bad.nii", **fields)
    with pytest.raises(error, match=reason) as caught:
        formats.read(path)
    assert str(path) in str(caught.value)
    if fault != "intercept":  # found when the voxels are scaled
        assert str(path) in formats.find(path)[0].refusal


@pytest.mark.parametrize(
    "content",
    [b"", b"not a scan", b"\0" * 400, gzip.compress(b"text", mtime=0)],
    ids=["empty", "text", "zeros", "gzipped-text"],  # names that do not depend on the clock
)
@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_what_is_no_nifti_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    (series,) = formats.find(tmp_path)
    assert series.refusal
    with pytest.raises(UnreadableScan, match=name):
        formats.read(tmp_path / name)


def test_integers_float32_cannot_hold_are_refused(nifti_file: Make) -> None:
    data = np.full((2, 2, 2), 2**24 + 1, np.int32)
    with pytest.raises(UnsupportedScan, match="without loss"):
        formats.read(nifti_file(data=data))


def test_random_damage_is_always_a_typed_error_or_a_finite_scan(
    nifti_file: Make, rng: np.random.Generator
) -> None:
    path = nifti_file("x.nii")
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(200):
        broken = whole.copy()
        where = rng.integers(0, 352, rng.integers(1, 6))
        broken[where] = rng.integers(0, 256, where.size)
        path.write_bytes(broken.tobytes())
        try:
            volume = formats.read(path)
        except (UnreadableScan, UnsupportedScan):
            continue
        assert np.isfinite(volume.voxels).all()
        assert np.isfinite(volume.affine).all()


NAMED_WRONGLY = {
    "a text called .nii.gz": ("x.nii.gz", b"no scan", "its content is not; it is no scan"),
    "a plain file called .nii.gz": ("x.nii.gz", None, "rename it to .nii$"),
    "a packed file called .nii": ("x.nii", None, "it is compressed; rename it to .nii.gz$"),
    "nothing": ("x.nii.gz", b"", "the file is empty"),
}


@pytest.mark.parametrize("case", NAMED_WRONGLY)
def test_a_name_that_does_not_fit_the_content_is_reported_with_the_cure(
    nifti_file: Make, tmp_path: Path, case: str
) -> None:
    name, content, message = NAMED_WRONGLY[case]
    if content is None:
        content = nifti_file("a.nii" if name.endswith(".gz") else "a.nii.gz").read_bytes()
    (tmp_path / name).write_bytes(content)
    (series,) = formats.find(tmp_path / name)
    assert "Error" not in series.refusal
    with pytest.raises(UnreadableScan, match=message):
        formats.read(series)


def test_a_damaged_stream_is_reported_in_words(nifti_file: Make) -> None:
    path = nifti_file(shape=(20, 20, 20))
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(UnreadableScan, match="cut off or damaged"):
        formats.read(path)


def test_4d_is_a_stack(nifti_file: Make) -> None:
    assert formats.find(nifti_file(shape=(4, 3, 2, 5)))[0].facts["kind"] == "stack of 5"
    assert formats.find(nifti_file(shape=(4, 3, 2)))[0].facts["kind"] == "volume"
