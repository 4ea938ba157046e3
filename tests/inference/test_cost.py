"""What an answer will take: counted for the cut that is made, measured on a small tile."""

import math

import pytest

from medddim.inference import tiling
from medddim.inference.cost import Measured, cost_of, measure, tiles_for
from medddim.inference.settings import Settings
from tests.phantoms import textured
from tests.studies import enhancer

KNOWN = Measured(seconds=1.0, bytes=1000.0)
IN_3D = {"network": {"spatial_dims": 3, "slices": 1}}
FINER = {
    "task": "superresolve",
    "network": {"spatial_dims": 3, "slices": 1, "maps": 3, "detail_gain": 8.0},
    "degradation": {"kind": "larger-voxels", "factors": ((2, 1, 1),)},
}
NOISE = {
    "network": {"kind": "noise-unet", "widths": (8, 8, 8)},
    "degradation": {"kind": "mr-scanner", "level": (0.05, 0.15)},
}


@pytest.mark.parametrize("case", [{}, {"self_ensemble": True}, IN_3D, FINER, NOISE])
@pytest.mark.parametrize("tile", [32, 512])
@pytest.mark.daily(2)
def test_the_work_counted_is_that_of_the_network(monkeypatch, case, tile):
    wired, seen = enhancer(**case), []
    settings = Settings(steps=2, factor=2 if case is FINER else None)
    plan = wired.plan(textured((136, 48, 20)), settings)
    call = type(wired.denoiser).__call__

    def counted(self, stack, *more):
        seen.append(len(stack) * math.prod(stack.shape[2:]))
        return call(self, stack, *more)

    monkeypatch.setattr(type(wired.denoiser), "__call__", counted)
    wired.tile = tile
    wired.answer(plan)
    cost = cost_of(wired, plan, KNOWN, tile=tile)
    assert cost.seconds == pytest.approx(sum(seen), rel=1e-6)
    assert cost.tiles >= 1000 * max(seen)
    assert cost.tiles <= 1000 * max(seen) * (1 if tile == 512 else 1.5)


def test_what_a_voxel_takes_is_measured():
    found = measure(enhancer())
    assert 0 < found.seconds < 1e-2
    assert 20 < found.bytes < 2000


def test_tiles_become_smaller_and_smaller():
    edges = list(tiles_for(enhancer()))
    assert edges[0] == tiling.TILE[2]
    assert edges == sorted(set(edges), reverse=True)
    assert edges[-1] == 16
