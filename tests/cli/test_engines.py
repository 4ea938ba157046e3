"""Where and in what a run is done: what the options mean."""

import click
import pytest

from medddim.cli import engines


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("800 mb", 8 * 10**8),
        ("1.5GiB", 3 * 2**29),
        ("1000", 1000),
        (None, None),
    ],
)
def test_a_size_is_in_bytes(text, size):
    assert engines._size(None, None, text) == size


@pytest.mark.parametrize("text", ["much", "0", "-2GB", "2 horses", ""])
def test_a_size_that_is_none_is_a_usage_error(text):
    with pytest.raises(click.BadParameter, match="expected a size such as 2GB"):
        engines._size(None, None, text)


def test_workers_share_the_memory():
    assert engines.share_of(8 * 10**9, 4) == 2 * 10**9
    assert engines.share_of(10**9, None) == 10**9
    assert engines.share_of(None, 4) is None
