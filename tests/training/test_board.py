"""What a run writes down, and of which step its checkpoint is."""

import json

from medddim.training.board import LOG, Board, best_step


def report(folder, rows):
    with Board(folder, 0) as board:
        for step, figures in rows:
            board.report(step, figures)


def test_the_best_step_is_that_of_the_best_validation(tmp_path):
    rows = [
        (0, {"psnr_db_at_0.05": 30.0, "psnr_db_at_0.1": 26.0}),
        (50, {"loss": 1.0}),
        (100, {"loss": 0.5, "psnr_db_at_0.05": 31.0, "psnr_db_at_0.1": 27.0}),
        (200, {"loss": 0.4, "psnr_db_at_0.05": 31.5, "psnr_db_at_0.1": 26.0}),
    ]
    report(tmp_path, rows)
    assert best_step(tmp_path) == 100
    written = [json.loads(line)["step"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert written == [0, 50, 100, 200]


def test_without_a_validation_there_is_no_best(tmp_path):
    report(tmp_path, [(50, {"loss": 1.0})])
    assert best_step(tmp_path) is None
