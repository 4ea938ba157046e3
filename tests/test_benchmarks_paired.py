"""The paired table of benchmarks/quality.py: subjects, the best multiple, who is better."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).parent.parent / "benchmarks" / "paired.py"
# The sdist has the tests and not the benchmarks; where these are, a missing file must fail.
pytestmark = pytest.mark.skipif(not FILE.parent.exists(), reason="benchmarks are not in the sdist")


@pytest.fixture(scope="module")
def paired():
    spec = importlib.util.spec_from_file_location("paired", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(paired, method, scores):
    return [
        {
            "scan": scan,
            "subject": paired.subject_of(scan),
            "method": method,
            "psnr_db": psnr,
            "ssim": 0.9,
        }
        for scan, psnr in scores.items()
    ]


def test_a_subject_is_what_the_name_says_first(paired):
    assert paired.subject_of("ljulong04_1_t1w") == "ljulong04"
    assert paired.subject_of("mni152.nii.gz") == "mni152.nii.gz"


def test_scans_of_one_subject_count_once(paired):
    ours = rows(paired, "ours", {"a_1": 31.0, "a_2": 31.0, "a_3": 31.0, "b_1": 29.0})
    other = rows(paired, "tv", {"a_1": 30.0, "a_2": 30.0, "a_3": 30.0, "b_1": 30.0})
    psnr, ssim, better = paired.against([*ours, *other], "ours", "tv")
    assert psnr == "+0.000 (-1.000 to +1.000)"
    assert ssim == "+0.000 (+0.000 to +0.000)"
    assert better == "1 of 2"


def test_other_methods_do_not_matter(paired):
    compared = [*rows(paired, "ours", {"a_1": 31.0}), *rows(paired, "tv", {"a_1": 30.0})]
    more = [*compared, *rows(paired, "nlm", {"a_1": 99.0})]
    assert paired.against(more, "ours", "tv") == paired.against(compared, "ours", "tv")


def test_one_subject_has_no_interval(paired):
    compared = [*rows(paired, "ours", {"a_1": 31.0}), *rows(paired, "tv", {"a_1": 30.0})]
    assert paired.against(compared, "ours", "tv") == ["+1.000", "+0.000", "1 of 1"]


def test_a_perfect_scan_has_no_difference(paired):
    compared = [*rows(paired, "ours", {"a_1": 31.0}), *rows(paired, "same", {"a_1": float("inf")})]
    assert paired.against(compared, "ours", "same") == ["none", "+0.000", "0 of 1"]


def test_the_best_multiple_is_that_of_the_best_mean_over_scans(paired):
    means = {"tv": {"a_1": 30.0, "b_1": 30.0}, "tv, 2 sigma": {"a_1": 31.0, "b_1": 29.5}}
    every = [row for name, scores in means.items() for row in rows(paired, name, scores)]
    assert paired.best(every, list(means)) == "tv, 2 sigma"
