"""Libraries are silenced while files are read, and only then."""

import logging
import warnings
from threading import Barrier, Thread

import pytest

from medddim.formats.guard import TALKATIVE, quiet


def state() -> list[tuple[list[logging.Handler], bool, int]]:
    loggers = map(logging.getLogger, TALKATIVE)
    return [(list(one.handlers), one.propagate, one.level) for one in loggers]


@pytest.mark.parametrize("name", TALKATIVE)
@pytest.mark.parametrize("below", ["", ".below"])
def test_no_handler_hears_of_it(name: str, below: str, caplog: pytest.LogCaptureFixture) -> None:
    own = logging.getLogger(name)
    own.addHandler(caplog.handler)
    try:
        with quiet():
            logging.getLogger(name + below).critical("ZZPHI")
        assert caplog.records == []
        logging.getLogger(name + below).critical("heard")
        assert {record.msg for record in caplog.records} == {"heard"}
    finally:
        own.removeHandler(caplog.handler)


def test_threads_leave_the_process_as_it_was() -> None:
    before = state()
    filters = list(warnings.filters)
    begun, ended = Barrier(2), Barrier(2)

    def first() -> None:
        with quiet():
            begun.wait()
            ended.wait()  # the second begins while the first is silent, and ends after it

    def second() -> None:
        begun.wait()
        with quiet(), quiet():
            ended.wait()
            one.join()
            assert not logging.getLogger(TALKATIVE[0]).propagate

    one, other = Thread(target=first), Thread(target=second)
    one.start()
    other.start()
    other.join()
    assert state() == before
    assert list(warnings.filters) == filters
