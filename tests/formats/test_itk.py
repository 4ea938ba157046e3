"""MetaImage and NRRD: LPS is turned, other files are opened beside the header alone."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import Derivation
from medddim.volume import Volume
from tests.formats import files
from tests.formats.test_contract import finer

IDENTITY = Derivation("identity", "Nothing was changed.")
DATA = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "TransformMatrix = -1 0 0 0 -1 0 0 0 1\nOffset = 32 40 -24\nElementSpacing = 2 2 3\n"
    "DimSize = 5 4 3\nElementType = MET_SHORT\n"
)
NRRD = (
    "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
    "space directions: (-2,0,0) (0,-2,0) (0,0,3)\nkinds: domain domain domain\nendian: little\n"
    "encoding: raw\nspace origin: (32,40,-24)\n"
)
PLACE = np.array([[2, 0, 0, -32], [0, 2, 0, -40], [0, 0, 3, -24], [0, 0, 0, 1.0]])


def put(folder: Path, name: str, header: str, data: bytes = DATA.tobytes(order="F")) -> Path:
    path = folder / "in" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header.encode("latin-1") + data)
    return path


def nrrd(folder: Path, *changes: tuple[str, str]) -> Path:
    header = NRRD
    for old, new in changes:
        header = header.replace(old, new)
    return put(folder, "scan.nrrd", header + "\n")


def test_lps_becomes_ras(tmp_path):
    for path in (
        put(tmp_path, "scan.mha", META + "ElementDataFile = LOCAL\n"),
        nrrd(tmp_path),
        nrrd(tmp_path, ("left-posterior", "right-anterior"), ("-2,0,0", "2,0,0"),
             ("0,-2,0", "0,2,0"), ("32,40", "-32,-40")),
    ):  # fmt: skip
        volume = formats.read(path)
        np.testing.assert_allclose(volume.affine, PLACE)
        np.testing.assert_array_equal(volume.voxels[0], DATA)


@pytest.mark.parametrize("size", ["5 4 0", "0 4 3"])
def test_a_scan_without_voxels_is_refused_where_it_is_found(tmp_path, size):
    header = META.replace("DimSize = 5 4 3", f"DimSize = {size}") + "ElementDataFile = LOCAL\n"
    (series,) = formats.find(put(tmp_path, "scan.mha", header))
    assert f"impossible: {size.replace(' ', '×')} voxels" in series.refusal


def test_simpleitk_finds_the_result_where_the_source_was(tmp_path):
    path = files.itk(tmp_path / "in" / "scan.nrrd", DATA, files.oblique())
    (file, _) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    source, result = SimpleITK.ReadImage(str(path)), SimpleITK.ReadImage(str(file))
    for point in ((0, 0, 0), (4, 3, 2)):
        np.testing.assert_allclose(
            result.TransformIndexToPhysicalPoint(point),
            source.TransformIndexToPhysicalPoint(point),
            atol=1e-6,
        )


def test_the_modality_of_the_header_holds_and_is_kept(tmp_path):
    path = put(tmp_path, "scan.mha", META + "Modality = MET_MOD_CT\nElementDataFile = LOCAL\n")
    volume = formats.read(path)
    assert (volume.modality, volume.unit) == ("CT", "HU")
    formats.write(volume, tmp_path / "out", derivation=IDENTITY)
    assert formats.read(tmp_path / "out").in_hu


def test_gradients_of_slicer_and_their_frame_are_kept(tmp_path):
    header = NRRD.replace("dimension: 3", "dimension: 4").replace("5 4 3", "5 4 3 2")
    header = header.replace("(0,0,3)", "(0,0,3) none").replace(
        "domain\nendian", "domain list\nendian"
    )
    frame = "measurement frame: (0,1,0) (1,0,0) (0,0,1)\n"
    keys = "modality:=DWMRI\nDWMRI_b-value:=1000\nDWMRI_gradient_0001:=1 0 0\npatient:=ZZPHI\n"
    data = np.stack([DATA, DATA + 1], -1)
    path = put(tmp_path, "dwi.nrrd", header + frame + keys + "\n", data.tobytes(order="F"))
    volume = formats.read(path)
    np.testing.assert_array_equal(np.moveaxis(volume.voxels, 0, -1), data)
    (file, _) = formats.write(volume, tmp_path / "out", derivation=IDENTITY)
    written = file.read_bytes().partition(b"\n\n")[0].decode("latin-1")
    for line in ("DWMRI_b-value:=1000", "DWMRI_gradient_0001:=1 0 0", frame.strip()):
        assert line in written
    assert "ZZPHI" not in written
    np.testing.assert_array_equal(formats.read(file).voxels, volume.voxels)


LOCAL = "ElementDataFile = LOCAL\n"
SLOPE = "ElementToIntensityFunctionSlope = "
NO_SPACE = "\n".join(line for line in NRRD.splitlines() if not line.startswith("space")).replace(
    "sizes", "spacings: 2 2 3\nsizes"
)
IN_SPACE = NRRD.replace("left-posterior-superior", "{}") + "\n"
"""As pynrrd 1.1.3 writes any name of a space, and SimpleITK 2.5.7 takes these for LPS."""
WRONG = {
    "elsewhere": ("a.mhd", META + "ElementDataFile = ../secret.raw\n", "in one file beside"),
    "a list": ("a.mhd", META + "ElementDataFile = LIST\n", "in one file beside"),
    "a pattern": ("a.mhd", META + "ElementDataFile = s%03d.raw 1 3 1\n", "in one file beside"),
    "gone": ("a.mhd", META + "ElementDataFile = gone.raw\n", "not beside it"),
    "cut": ("a.mha", META.replace("5 4 3", "9 9 9") + LOCAL, "truncated"),
    "huge": ("a.mha", META.replace("5 4 3", "5000 4000 3000") + LOCAL, "limit"),
    "absolute": ("a.nhdr", NRRD + "data file: /etc/hostname\n\n", "in one file beside"),
    "no space": ("a.nrrd", NO_SPACE + "\n\n", "left and right are unknown"),
    "a space of the scanner": ("a.nrrd", IN_SPACE.format("scanner-xyz"), "would be read as left"),
    "a space of no one": ("a.nrrd", IN_SPACE.format("3D-right-handed"), "would be read as left"),
    "another unit": ("a.nrrd", NRRD + 'space units: "cm" "cm" "cm"\n\n', "millimetres"),
    "another unit of MetaImage": ("a.mha", META + "DistanceUnits = cm\n" + LOCAL, "millimetres"),
    "a slope": ("a.mha", META + SLOPE + "0.5\n" + LOCAL, "Slope and Offset"),
    "an offset": ("a.mha", META + SLOPE.replace("Slope", "Offset") + "-1024\n" + LOCAL, "Offset"),
    "quantised": ("a.nrrd", NRRD + "oldmin: -1024\noldmax: 64511\n\n", "quantised"),
    "another packing": ("a.nrrd", NRRD.replace("raw", "bzip2") + "\n", "save it with gzip"),
    "no header": ("a.nrrd", "no header at all\n\n", "header of a NRRD file"),
    "empty": ("a.mha", "", "a.mha"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, case):
    name, header, reason = WRONG[case]
    (tmp_path / "secret.raw").write_bytes(DATA.tobytes())
    path = put(tmp_path, name, header, DATA.tobytes(order="F") if header else b"")
    with pytest.raises((UnreadableScan, UnsupportedScan), match=reason) as caught:
        formats.read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("space", ["LPS", "left-posterior-superior", "Left-Posterior-Superior"])
def test_a_space_of_the_patient_is_read_however_it_is_written(tmp_path, space):
    path = put(tmp_path, "a.nrrd", IN_SPACE.format(space), DATA.tobytes(order="F"))
    assert formats.read(path).affine[0, 3] == -32


def in_space_and_time(name):
    """Two volumes of 5 x 4 x 3 voxels, as pynrrd 1.1.3 writes them."""
    return (
        NRRD.replace("dimension: 3", "dimension: 4")
        .replace("left-posterior-superior", name)
        .replace("5 4 3", "5 4 3 2")
        .replace("(-2,0,0) (0,-2,0) (0,0,3)", "(-2,0,0,0) (0,-2,0,0) (0,0,3,0) (0,0,0,2.5)")
        .replace("domain domain domain", "space space space time")
        .replace("(32,40,-24)", "(32,40,-24,0)")
    ) + "\n"


def test_a_space_with_time_is_named_in_the_result(tmp_path):
    voxels = DATA.tobytes(order="F") * 2
    path = put(tmp_path, "a.nrrd", in_space_and_time("left-posterior-superior-time"), voxels)
    volume = formats.read(path)
    assert volume.channels == 2
    assert volume.affine[0, 3] == -32
    result = formats.write(volume, tmp_path / "out", like=volume)[0]
    assert b"\nspace: left-posterior-superior-time\n" in result.read_bytes()
    np.testing.assert_array_equal(formats.read(result).affine, volume.affine)


def test_ras_with_time_is_refused_as_simpleitk_reads_it_as_lps(tmp_path):
    """SimpleITK 2.5.7 turns RAS to LPS, and RAS with time not: left would become right."""
    header = in_space_and_time("right-anterior-superior-time")
    path = put(tmp_path, "a.nrrd", header, DATA.tobytes(order="F") * 2)
    with pytest.raises(UnsupportedScan, match="would be read as left-posterior-superior"):
        formats.read(path)


def test_fields_of_metaimage_that_change_nothing_are_no_reason_to_refuse(tmp_path):
    plain = "DistanceUnits = mm\n" + SLOPE + "1\n" + SLOPE.replace("Slope", "Offset") + "0\n"
    path = put(tmp_path, "a.mha", META + plain + LOCAL)
    np.testing.assert_array_equal(formats.read(path).voxels[0], DATA)


def test_voxels_may_be_named_with_their_folder(tmp_path):
    put(tmp_path, "a.raw", "")
    path = put(tmp_path, "a.nhdr", NRRD + "data file: ./a.raw\n\n", b"")
    np.testing.assert_array_equal(formats.read(path).voxels[0], DATA)


def test_an_axis_of_time_that_itk_cannot_read_is_named(tmp_path):
    header = NRRD.replace("dimension: 3", "dimension: 4").replace("sizes: 5 4 3", "sizes: 5 4 3 2")
    header = header.replace("(0,0,3)", "(0,0,3) none") + "kinds: domain domain domain time\n"
    with pytest.raises(UnsupportedScan, match="time"):
        formats.read(put(tmp_path, "a.nrrd", header + "\n", bytes(DATA.nbytes * 2)))


@pytest.mark.parametrize("name", ["scan.nrrd", "scan.mha"])
def test_three_volumes_in_a_list_are_no_vectors_once_they_are_a_result(tmp_path, name):
    echoes = np.random.default_rng(0).integers(0, 900, (3, 4, 5, 3)).astype(np.int16)
    (tmp_path / "in").mkdir()
    image = SimpleITK.GetImageFromArray(echoes, isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "in" / name))
    scan = finer(formats.read(tmp_path / "in" / name))
    (file, _) = formats.write(scan, tmp_path / "out", derivation=IDENTITY)
    np.testing.assert_array_equal(formats.read(file).voxels, scan.voxels)


def test_a_list_of_three_floats_is_read_where_the_header_calls_it_so(tmp_path):
    header = NRRD.replace("dimension: 3", "dimension: 4").replace("sizes: ", "sizes: 3 ")
    header = header.replace("directions: ", "directions: none ").replace("short", "float")
    listed = header.replace("kinds: ", "kinds: list ")
    data = np.arange(180, dtype=np.float32).tobytes()
    volume = formats.read(put(tmp_path, "a.nrrd", listed + "\n", data))
    assert volume.channels == 3
    result = formats.write(volume, tmp_path / "out", like=volume)[0]
    assert b"\nkinds: list domain domain domain\n" in result.read_bytes()
    np.testing.assert_array_equal(formats.read(result).voxels, volume.voxels)
    vectors = header.replace("kinds: ", "kinds: vector ")
    with pytest.raises(UnsupportedScan, match="displacements"):
        formats.read(put(tmp_path, "b.nrrd", vectors + "\n", data))


def test_colours_are_refused(tmp_path):
    image = SimpleITK.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    SimpleITK.WriteImage(image, str(tmp_path / "rgb.mha"))
    with pytest.raises(UnsupportedScan, match="colours"):
        formats.read(tmp_path / "rgb.mha")


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_shear_is_kept_or_refused_never_lost(tmp_path, ending):
    path = files.itk(tmp_path / "in" / f"scan{ending}", DATA, np.diag([2.0, 2.0, 3.0, 1.0]))
    leaning = np.diag([2.0, 2.0, 3.0, 1.0])
    leaning[0, 2] = 0.9
    source = formats.read(path)
    volume = Volume(source.voxels, leaning, source=source.source, name="lean")
    formats.write(volume, tmp_path / "out", derivation=IDENTITY)
    np.testing.assert_allclose(formats.read(tmp_path / "out").affine, leaning, atol=1e-6)


def test_what_a_pair_of_files_holds_is_on_record_whole(tmp_path):
    path = files.itk(tmp_path / "in" / "scan.mhd", DATA, files.oblique())
    (series,) = formats.find(path)
    assert series.files == (path, path.with_suffix(".raw"))
