"""What every test stands on: one thread, no network, no window, the same random numbers."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # pytest -n already fills the cores
os.environ.setdefault("MPLBACKEND", "Agg")

import gc
import io
import socket
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")

LOOPBACK = ("127.", "::1", "localhost")


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test over a product of parameters every value runs every day, the whole product seldom.

    The cases in which no value is new are slow, and all but some of a test marked `daily`:
    docs/decisions/0101, 0186.
    """
    products: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.get_closest_marker("slow"):
            products[item.nodeid.partition("[")[0]].append(item)
    for cases in products.values():
        for item in {*_without_a_new_value(cases), *_seldom(cases)}:
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """What was imported stays: no garbage collection need look at its million objects again.

    Nor need there be one after every 700 new objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def _seldom(cases: list[pytest.Item]) -> list[pytest.Item]:
    """Of a test marked `daily(n)` all cases but n, spread evenly, or those named, by their ids."""
    mark = cases[0].get_closest_marker("daily")
    if mark is None:
        return []
    if isinstance(mark.args[0], str):
        missing = set(mark.args) - {_id(case) for case in cases}
        if missing and len(cases) > len(mark.args):
            raise pytest.UsageError(f"{cases[0].nodeid}: no case is called {sorted(missing)}")
        return [case for case in cases if _id(case) not in mark.args]
    kept = {round(place) for place in np.linspace(0, len(cases) - 1, mark.args[0])}
    return [case for place, case in enumerate(cases) if place not in kept]


def _id(case: pytest.Item) -> str:
    return case.nodeid.partition("[")[2].removesuffix("]")


def _without_a_new_value(cases: list[pytest.Item]) -> list[pytest.Item]:
    """All but a few cases that hold each value of each parameter; first those new in all."""
    left = {item: values for item in cases if len(values := _values(item)) > 1}
    seen: set[tuple[str, ...]] = set()
    for wanted in range(max(map(len, left.values()), default=0), 0, -1):
        for item, values in list(left.items()):
            if len(values - seen) >= wanted:
                seen |= values
                del left[item]
    return list(left)


def _values(item: pytest.Item) -> set[tuple[str, ...]]:
    """The value that each parameter of a case has; what one mark sets together is one."""
    if not hasattr(item, "callspec"):
        return set()
    params: dict[str, object] = dict(item.callspec.params)
    values = set()
    for mark in item.iter_markers("parametrize"):
        names = mark.args[0]
        together = names.replace(" ", "").split(",") if isinstance(names, str) else names
        values.add(tuple(f"{one} {id(params.pop(one, None))}" for one in together))
    return values | {(f"{one} {id(value)}",) for one, value in params.items()}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"a test asked the network for {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)


@pytest.fixture
def rng() -> np.random.Generator:
    """The same random numbers in every run."""
    return np.random.default_rng(20240229)


@pytest.fixture
def blank_drawings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and pictures for tests of their words: drawing takes most of a second a scan."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, format="png")
    for drawing in ("page.picture", "page.charts", "picture.picture"):
        monkeypatch.setattr(f"medddim.report.{drawing}", lambda *_, **__: file.getvalue())


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that ship, by name, each with an untrained network of few channels."""
    from tests import studies  # here: torch takes seconds, and pytest-xdist's master needs none

    return studies.smaller_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(params=["small", pytest.param("shipped", marks=pytest.mark.slow)])
def shipped_models(
    request: pytest.FixtureRequest, small_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the names of shipped models stand for: every day small ones, in `make test-all` both."""
    if request.param == "small":
        monkeypatch.setattr("medddim.models.SHIPPED", small_models)
