"""What `show` draws: the right planes, in proportion, at one place, on one grey scale."""

import numpy as np
import pytest
from matplotlib import pyplot

from medddim.errors import RequestProblem, ScanError
from medddim.report.show import figure, grey_scale, show
from medddim.volume import Volume
from tests.phantoms import head


@pytest.fixture(autouse=True)
def _no_windows():
    pyplot.switch_backend("agg")
    yield
    pyplot.close("all")


def titles(drawn):
    return [axes.get_title(loc="left") for axes in drawn.axes]


def pictures(drawn):
    return [axes.images[0] for axes in drawn.axes]


def spot(shape, spacing, at_mm):
    """A faint block with one bright voxel, the one nearest to a place in the world."""
    voxels = np.ones((1, *shape))
    index = np.rint(np.array(at_mm) / spacing).astype(int)
    voxels[(0, *index)] = 100
    return Volume(voxels, np.diag([*spacing, 1.0]))


def test_a_scan_is_three_planes_in_true_proportions_with_their_letters():
    drawn = figure([head(spacing_mm=(1.0, 1.0, 3.0))])
    assert titles(drawn) == ["axial", "coronal", "sagittal"]
    inches = drawn.get_size_inches()
    sizes = [axes.get_position().size * inches for axes in drawn.axes]
    scale = sizes[0][0] / 48
    assert np.allclose(sizes, np.array([(48, 44), (48, 18), (44, 18)]) * scale)
    letters = ["".join(text.get_text() for text in axes.texts) for axes in drawn.axes]
    assert letters == ["RLAP", "RLSI", "APSI"]


def test_panels_do_not_overlap_and_stay_inside():
    drawn = figure([head(), head((20, 60, 10))], titles=("one", "two"))
    boxes = [axes.get_position() for axes in drawn.axes]
    assert titles(drawn)[3] == "two, axial"
    for number, box in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_every_scan_is_cut_at_the_same_place_in_the_world():
    fine = spot((20, 24, 28), (1.0, 1.0, 1.0), (6, 9, 16))
    coarse = spot((10, 12, 7), (2.0, 2.0, 4.0), (6, 9, 16))
    for picture in pictures(figure([fine, coarse])):
        assert picture.get_array().max() == 100


def test_all_share_the_grey_scale_of_the_first():
    scan = head()
    brighter = scan.with_voxels(scan.voxels * 3)
    limits = {picture.get_clim() for picture in pictures(figure([scan, brighter]))}
    assert limits == {grey_scale(scan)}
    (limit,) = {picture.get_clim() for picture in pictures(figure([scan], window=(1, 2)))}
    assert limit == (1, 2)


def test_the_grey_scale_of_ct_is_soft_tissue_and_of_mr_begins_at_zero():
    assert grey_scale(Volume(np.ones((1, 4, 4, 4)), np.eye(4), unit="HU")) == (-160, 240)
    assert grey_scale(head())[0] == 0
    assert grey_scale(Volume(np.zeros((1, 4, 4, 4)), np.eye(4))) == (0, 1)


def test_scans_in_one_plane_stand_side_by_side():
    drawn = figure([head(), head(), head()], titles=("a", "b"), plane="coronal")
    assert titles(drawn) == ["a, coronal", "b, coronal", "coronal"]
    assert len({round(axes.get_position().y0, 6) for axes in drawn.axes}) == 1


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_zoom_magnifies_the_middle_and_stays_inside_the_picture(plane):
    scan = spot((20, 24, 28), (1.0, 1.0, 1.0), (1, 20, 15))
    (axes,) = figure([scan], plane=plane, zoom=2).axes
    picture = axes.images[0].get_array()
    rows, columns = picture.shape
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    assert (right - left, bottom - top) == (columns / 2, rows / 2)
    assert -0.5 <= left < right <= columns - 0.5
    assert -0.5 <= top < bottom <= rows - 0.5
    row, column = np.argwhere(picture == 100)[0]
    assert left < column < right
    assert top < row < bottom


def test_a_single_slice_is_one_plane():
    assert titles(figure([Volume(np.ones((1, 8, 9, 1)), np.eye(4))])) == ["axial"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plane": "oblique"}, "unknown plane 'oblique'; choose from axial, coronal, sagittal"),
        ({"zoom": 0.5}, "expected a zoom of 1 or more"),
    ],
    ids=["plane", "zoom"],
)
def test_an_impossible_request_is_refused(options, message):
    with pytest.raises(RequestProblem, match=message):
        figure([head()], **options)


def test_a_line_of_voxels_cannot_be_shown():
    with pytest.raises(ScanError, match="no plane of more than one voxel"):
        figure([Volume(np.ones((1, 8, 1, 1)), np.eye(4))])


def test_show_draws_and_lets_matplotlib_show(monkeypatch):
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    scan = head()
    show(scan)
    show(scan, scan, titles=("before", "after"), plane="axial", window=(0, 500), zoom=2)
    assert [len(drawn.axes) for drawn in shown] == [3, 2]
    assert titles(shown[1]) == ["before, axial", "after, axial"]
    assert shown[1].axes[1].images[0].get_clim() == (0, 500)
