#!/usr/bin/env bash
# bm4d 4.2.5 takes the noise as one number or as a power spectrum. Under numpy 2.4 the number works and the
# spectrum does not.
#
# Guess before running: both work, for numpy 2 had been out for a year and a half when bm4d 4.2.5 came, and pip
# installs the two side by side without a word. Found (2026-11-29): with numpy 2.4.6 a spectrum raises
# AttributeError, "module 'numpy' has no attribute 'trapz'" (an alias that numpy 2.4 no longer has); with
# numpy 2.3.5 the same call gives what the number gives. Who compares denoisers at correlated noise has to
# pin numpy below 2.4.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PYTHON'
import bm4d
import numpy

noisy = 0.5 + 0.1 * numpy.random.default_rng(0).standard_normal((16, 16, 16))
spectrum = numpy.full(noisy.shape, 0.1**2 * noisy.size)
by_number = bm4d.bm4d(noisy, 0.1)
try:
    by_spectrum = bm4d.bm4d(noisy, spectrum)
    print(numpy.__version__, "alike" if numpy.allclose(by_number, by_spectrum, atol=1e-4) else "unlike")
except AttributeError as error:
    print(numpy.__version__, error)
PYTHON
for numpy in 2.3.5 2.4.6; do
	python3 -m venv "$folder/$numpy"
	"$folder/$numpy/bin/pip" install --quiet "numpy==$numpy" "bm4d==4.2.5" >/dev/null 2>&1
	"$folder/$numpy/bin/python" "$folder/ask.py" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'SEEN'
2.3.5 alike
2.4.6 module 'numpy' has no attribute 'trapz'
SEEN
echo "as in November 2026"
