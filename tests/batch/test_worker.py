"""What a worker does with a scan: the same as one process, also where another has done it."""

from medddim import batch, formats, record
from medddim.batch import worker
from medddim.batch.jobs import Always
from medddim.batch.station import Task
from medddim.batch.worker import Order, forget, work
from tests import studies


def test_a_result_that_a_worker_taken_for_dead_has_written_meanwhile_is_taken(
    heads, out, halving, monkeypatch
):
    """Both write at once, and neither leaves half a file under the final name."""
    (scan,) = batch.plan([heads / "a.nii.gz"], out)
    out.mkdir()
    order = Order("run", out, Always(halving()), record.versions())
    undisturbed, others = formats.write, []

    def write_beside(*args, **options):
        with monkeypatch.context() as patch:
            patch.setattr(formats, "write", undisturbed)
            if not others:  # announced by both, written by the other one first
                others.append(undisturbed(*args, **options))
        return undisturbed(*args, **options)

    monkeypatch.setattr(formats, "write", write_beside)
    outcome = work(order, Task(scan))
    forget("run")
    assert outcome.status == "ok"
    assert list(studies.contents(out)) == list(outcome.outputs) == ["a.nii.gz"]
    record.append(out, outcome)
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    assert worker._lines.pop("run") is None
