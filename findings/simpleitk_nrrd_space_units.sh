#!/usr/bin/env bash
# SimpleITK 2.5.7 takes the numbers of a NRRD header for millimetres whatever `space units` says, and says nothing: a
# scan whose header gives its space in cm, or in um, is read ten times too small, or a thousand times too large.
#
# Guess before running: ITK has no unit of length, so `space units` is ignored. Found (2026-11-30): so it is, with the
# same numbers for mm, cm and um, no message on either stream, and no key of the metadata that holds the unit, so that
# a program that asks cannot know. The format's definition (teem, "space units") says the unit is that in which the
# space is measured.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "SimpleITK==2.5.7" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import SimpleITK

for unit in ("mm", "cm", "um"):
    path = f"{sys.argv[1]}/scan.nrrd"
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
        "space directions: (0.2,0,0) (0,0.2,0) (0,0,0.3)\nkinds: domain domain domain\n"
        "endian: little\nencoding: raw\nspace origin: (1,2,3)\n"
        f'space units: "{unit}" "{unit}" "{unit}"\n\n'
    )
    with open(path, "wb") as file:
        file.write(header.encode() + bytes(120))
    image = SimpleITK.ReadImage(path)
    named = [key for key in image.GetMetaDataKeys() if unit in image.GetMetaData(key).split()]
    print(unit, [round(size, 6) for size in image.GetSpacing()], "named by", named or "no key")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>&1 | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
mm [0.2, 0.2, 0.3] named by no key
cm [0.2, 0.2, 0.3] named by no key
um [0.2, 0.2, 0.3] named by no key
SEEN
echo "as in November 2026"
