"""What a batch prints of each scan."""

import pytest

from medddim.batch import Outcome
from medddim.cli.batches import show

FACTS = {"noise_level": 0.0432, "noise_correlation": [0.1, 0.0], "warning": "near the end"}


def shown(capsys, **changed):
    show(Outcome(**{"name": "head", "status": "ok", "seconds": 1.8} | changed), as_json=False)
    return capsys.readouterr().out.splitlines()


def test_a_result_is_a_line_and_one_for_each_remark(capsys):
    first, *rest = shown(capsys, facts=FACTS, clipped=12, notes=["the type was kept"])
    assert first.split() == ["ok", "head", "1.8", "s", "noise", "4.3%"]
    assert [line.strip() for line in rest][1:] == ["near the end", "the type was kept"]
    assert rest[0].strip().startswith("12 voxels clipped")
    assert all(line.startswith(" " * 12) for line in rest)


def test_what_is_refused_is_one_line(capsys):
    (line,) = shown(capsys, status="refused", reason="it has holes", facts=FACTS)
    assert line.endswith("it has holes")


@pytest.mark.parametrize(
    ("job", "facts", "words"),
    [
        ({"noise": "estimated"}, FACTS, "noise 4.3%"),
        ({"noise": "estimated"}, {"noise_level": 0.01}, "noise 1.0%, taken for white"),
        ({"noise": 0.05}, FACTS | {"noise_level": 0.05}, "noise 5.0% as given"),
        ({"noise_in_unit": 40.0}, {"noise_level": 0.05}, "noise 5.0% as given"),
        ({"noise": "estimated"}, {"noise_level": 0.012, "noise_hu": 12.0}, "noise 12 HU"),
        ({"factor": [1, 1, 4]}, {"factor": [1, 1, 4]}, ""),
    ],
)
def test_the_noise_says_how_it_was_read(job, facts, words):
    assert Outcome("head", "ok", job=job, facts=facts).noise == words
