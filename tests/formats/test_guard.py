"""Libraries are silenced while files are read, and only then."""

import logging
import warnings
from threading import Barrier, Thread

from medddim.formats.guard import TALKATIVE, quiet


def test_threads_leave_the_process_as_it_was() -> None:
    levels = [logging.getLogger(name).level for name in TALKATIVE]
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
            assert logging.getLogger(TALKATIVE[0]).level > logging.CRITICAL

    one, other = Thread(target=first), Thread(target=second)
    one.start()
    other.start()
    other.join()
    assert [logging.getLogger(name).level for name in TALKATIVE] == levels
    assert list(warnings.filters) == filters
