"""The batches of a run in their order, drawn beside the training where processes are to spare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from torch.utils.data import DataLoader, Dataset

from medddim.training.dataset import Pairs

AHEAD = 4
"""Batches that each process draws before they are asked for."""


class Source(Protocol):
    """What draws a batch; the same one for the same step, whoever asks."""

    def draw(self, step: int) -> Pairs:
        """The batch of a step."""


def batches(source: Source, first: int, *, workers: int = 0) -> Iterator[Pairs]:
    """The batches of all steps from `first` on, without end, by `workers` processes, 0 for none.

    How many draw changes nothing in them. Processes are spawned: a program that calls this with
    `workers` needs the usual `if __name__ == "__main__"`.
    """
    if workers == 0:
        return (source.draw(step) for step in _from(first))
    loader = DataLoader(
        _Steps(source),
        batch_size=None,
        sampler=_From(first),
        num_workers=workers,
        collate_fn=_as_it_is,
        prefetch_factor=AHEAD,
        multiprocessing_context="spawn",
    )
    return iter(loader)


def _from(first: int) -> Iterator[int]:
    while True:
        yield first
        first += 1


class _From:
    """A sampler that counts without end."""

    def __init__(self, first: int) -> None:
        self.first = first

    def __iter__(self) -> Iterator[int]:
        return _from(self.first)


class _Steps(Dataset[Pairs]):
    """A batch for each step."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def __getitem__(self, step: int) -> Pairs:
        return self.source.draw(step)


def _as_it_is(pairs: Any) -> Any:
    return pairs
