"""Shares of a whole, with and without the sign for per cent."""

import click
import pytest

from medddim.cli.shares import Share


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        (Share(), "0.07", 0.07),
        (Share(), "7%", 0.07),
        (Share(), "12.5 %", 0.125),
        (Share(), "100%", 1.0),
        (Share(of=100), "90", 90.0),
        (Share(of=100), "90%", 90.0),
    ],
)
def test_a_share_may_be_given_in_per_cent(kind, text, number):
    assert kind.convert(text, None, None) == pytest.approx(number)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (Share(), "7", "not in the range 0<=x<=1. 7 per cent is 7%, or 0.07."),
        (Share(), "700", "not in the range 0<=x<=1.$"),
        (Share(), "101%", "not in the range"),
        (Share(min_open=True), "0%", "not in the range"),
        (Share(of=100, max_open=True), "100%", "not in the range"),
        (Share(), "%", "not a valid"),
        (Share(), "much", "not a valid"),
    ],
)
def test_what_is_no_share_is_said(kind, text, words):
    with pytest.raises(click.BadParameter, match=words):
        kind.convert(text, None, None)
