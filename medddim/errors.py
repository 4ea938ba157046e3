"""The exceptions of medddim.

MedddimError
├── ScanError                  something about a scan a user gave
│   ├── UnreadableScan         the file is broken, truncated, hostile or not an image
│   ├── UnsupportedScan        a sound file of a kind medddim does not enhance
│   ├── IrregularGeometry      slices missing, doubled, tilted, unevenly spaced
│   └── GridMismatch           two volumes that had to share a grid do not
├── WriteRefused               writing would lose, overwrite or misplace something
├── RecipeError                a recipe with an unknown key or an impossible value
├── CheckpointError            weights missing, altered or of another architecture
├── EnvironmentProblem         something the machine lacks: a package, a device, disk, memory
├── ScoreError                 a comparison without an answer: no range, an empty mask
└── DiffusionError             a request the mathematics cannot meet

A message says what was expected, what was found, in which file, and what to do. It never holds
patient data: files are named, attributes of the patient are not.
"""


class MedddimError(Exception):
    """Base of every error medddim raises on purpose."""


class ScanError(MedddimError):
    """Something about a scan a user gave."""


class UnreadableScan(ScanError):
    """The file is broken, truncated, hostile or not an image."""


class UnsupportedScan(ScanError):
    """A sound file of a kind medddim does not enhance."""


class IrregularGeometry(ScanError):
    """Slices that do not form one regular grid."""


class GridMismatch(ScanError):
    """Two volumes that had to share a grid do not."""


class WriteRefused(MedddimError):
    """Writing would lose, overwrite or misplace something."""


class RecipeError(MedddimError):
    """A recipe with an unknown key or an impossible value."""


class CheckpointError(MedddimError):
    """Weights that are missing, altered or of another architecture."""


class EnvironmentProblem(MedddimError):
    """Something the machine lacks: a package, a device, disk, memory."""


class ScoreError(MedddimError, ValueError):
    """A comparison without an answer: a range of 0, an empty mask, an unknown protocol."""


class DiffusionError(MedddimError, ValueError):
    """A request the mathematics cannot meet, such as eps-prediction where alpha is 0."""
