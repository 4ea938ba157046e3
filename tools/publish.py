"""Put a trained model into the package: python tools/publish.py RUN.

Copies weights and recipe of a run folder to medddim/weights/NAME (the recipe's name) and brings
sha256.txt up to date. The card, card.md, is written by a person who has read the figures.
"""

import argparse
import shutil
import sys
from pathlib import Path

from medddim.checkpoint import Checkpoint
from medddim.digest import sha256_of
from medddim.models import CARD, RECIPE, SHIPPED, WEIGHTS, shipped

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("run", type=Path)
run = parser.parse_args().run

home = SHIPPED / Checkpoint.open(run).recipe.name
home.mkdir(parents=True, exist_ok=True)
for name in (WEIGHTS, RECIPE):
    shutil.copy(run / name, home / name)
lines = [f"{sha256_of(SHIPPED / name / WEIGHTS)}  {name}/{WEIGHTS}\n" for name in shipped()]
(SHIPPED / "sha256.txt").write_text("".join(lines))
if not (home / CARD).is_file():
    sys.exit(f"now write {home / CARD}")
