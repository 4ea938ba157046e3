"""Subjects, not scans, are what can be drawn again."""

import numpy as np
import pytest

from medddim.formats import Series
from medddim.formats.subjects import Subjects
from medddim.report.paired import FIGURES, differences, per_subject


def row(subject, result, value):
    figures = dict.fromkeys(FIGURES, value)
    return {"scan": "s", "subject": subject, "result": result, "protocol": "medddim"} | figures


def rows(gains):
    for number, gain in enumerate(gains):
        yield row(f"sub-{number}", "input", 20.0 + number)
        yield row(f"sub-{number}", "result", 20.0 + number + gain)


def found(gains):
    return differences(per_subject(list(rows(gains))))[0]


def test_the_interval_holds_the_mean_and_shrinks_with_subjects():
    generator = np.random.default_rng(0)
    few, many = (found(generator.normal(2, 1, n)) for n in (8, 200))
    for one in (few, many):
        assert one["low"] < one["mean"] < one["high"]
    # about 1.96 s / sqrt(n) to each side, whatever the subjects' own level
    assert many["high"] - many["low"] == pytest.approx(2 * 1.96 / np.sqrt(200), rel=0.15)
    assert few["high"] - few["low"] > 2 * (many["high"] - many["low"])
    assert (many["compared"], many["subjects"]) == ("result - input", 200)


def test_it_is_the_same_interval_every_time():
    assert found([1.0, 2.0, 4.0]) == found([1.0, 2.0, 4.0])


def test_one_subject_shows_no_spread():
    assert found([1.5]) | {"mean": 1.5} == found([1.5])
    assert (found([1.5])["low"], found([1.5])["high"]) == (None, None)


def test_scans_of_one_subject_are_one_observation():
    twice = [*rows([1.0, 3.0]), *rows([1.0, 3.0])]
    subjects = per_subject(twice)
    assert [one["scans"] for one in subjects] == [2, 2, 2, 2]
    assert differences(subjects)[0]["subjects"] == 2


def test_a_perfect_figure_leaves_the_subject_out():
    spoiled = [*rows([1.0, 3.0]), row("sub-9", "input", 1.0), row("sub-9", "result", None)]
    assert differences(per_subject(spoiled))[0]["subjects"] == 2


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("sub-01_ses-2_T1w", "sub-01"),
        ("derivatives_sub-A7_anat", "sub-A7"),
        ("submarine-3", "submarine-3"),
        ("head", "head"),
    ],
)
def test_bids_names_tell_the_subject(name, subject):
    assert Subjects().of(Series("nifti", name, ())) == subject
