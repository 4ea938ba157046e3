"""Where the noise is how strong."""

from medddim.noise import noise_passport
from tests.phantoms import head


def test_where_nothing_is_read_the_map_does_not_run_wild():
    """Of a head without noise it did, up to 109 times the level."""
    passport = noise_passport(head())
    assert not passport.fits
    assert passport.cells.max() < 12 * passport.level
