"""What is no MR magnitude and no CT in Hounsfield units: one list, and one place that decides.

The models know the noise of magnitudes (Rician) and of CT in Hounsfield units. A phase, a map that
was computed, labels or a PET image has neither. Every format asks here: by the words of ImageType,
by the JSON file beside a scan, by its BIDS name, by the intent of a NIfTI header. What no header
says, the voxels may show: see `of_voxels`.

Sources: DICOM PS3.3 C.7.6.1.1.2, C.8.13.3 and C.8.16.1 (Image Type); BIDS 1.10 (suffixes, entities,
metadata); nifti1.h (intent codes); the words that Siemens, GE and Philips write (dcm2niix).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Content:
    """What a file holds instead, and what to do about it."""

    name: str
    remedy: str

    def at(self, where: str) -> str:
        """The reason of a refusal; `where` says what tells so."""
        return (
            f"expected an MR magnitude image or CT in Hounsfield units, found {self.name} "
            f"({where}); {self.remedy}"
        )


_MAGNITUDE = "give the magnitude image instead"
_FIRST = "enhance the images it was computed from, and compute it again"

PHASE = Content("a phase image", _MAGNITUDE)
REAL = Content("the real part of a complex image", _MAGNITUDE)
IMAGINARY = Content("the imaginary part of a complex image", _MAGNITUDE)
FIELD = Content("a field map", "give the magnitude images it was made from")
SUSCEPTIBILITY = Content("a susceptibility map", "give the magnitude images it was made from")
DIFFUSION = Content("a diffusion map such as ADC or FA", _FIRST)
TISSUE = Content("a map of a tissue property such as T1 or T2", _FIRST)
PERFUSION = Content("a perfusion map", _FIRST)
MATERIAL = Content("a material map of spectral CT", "give the CT images in Hounsfield units")
RATIO = Content("the ratio of two images, as the uniform image of MP2RAGE", _FIRST)
STATISTIC = Content("a statistical map", _FIRST)
DIFFERENCE = Content("the difference of two images", _FIRST)
PROJECTION = Content("a projection of many slices, as a MIP", "give the slices it was made from")
COMPUTED = Content("a map that was computed", _FIRST)
LABELS = Content("labels or a mask", "give the scan they belong to")
TRANSFORM = Content("displacements or other vectors", "give the scan they belong to")
PET = Content("a PET or SPECT image", "medddim is for MR and CT")
OTHER_UNIT = Content("values in another unit", "give the magnitude image, or the CT in HU")
SURFACE = Content("a surface or grayordinates (CIFTI)", "give the volume it was sampled from")

WORDS: dict[str, Content] = {
    word.replace(" ", ""): content
    for content, words in {
        PHASE: "P, PHASE, PHASE MAP, VELOCITY, VELOCITY MAP, PHASE DIFF, PHASE DIFFERENCE, "
        "DELTA PHASE, UNWRAPPED PHASE",
        REAL: "R, REAL",
        IMAGINARY: "I, IMAGINARY",
        FIELD: "FIELDMAPHZ, FIELD MAP, B0 MAP, B0 UNSPECIFIED, B1 MAP, B1 UNSPECIFIED, TB1 MAP, "
        "RB1 MAP",
        SUSCEPTIBILITY: "QSM, SUSCEPTIBILITY, SUSCEPTIBILITY MAP, CHI, CHI MAP",
        DIFFUSION: "ADC, EADC, EXP ADC, ADC MAP, AVDC, FA, FA MAP, FA COLOR, COLFA, COLORFA, "
        "TENSOR, MD, ANISOTROPY, FRACTIONAL ANISOTROPY, DIFFUSION ANISO, MEAN DIFFUSIVITY, IVIM, "
        "IVIM MAP, D STAR, KURTOSIS, MEAN KURTOSIS",
        TISSUE: "T1 MAP, T2 MAP, T2 STAR MAP, T2* MAP, R1 MAP, R2 MAP, R2 STAR, R2*, R2 STAR MAP, "
        "R2* MAP, T1RHO MAP, PD MAP, ECV, ECV MAP, PROTON DENSITY MAP, M0 MAP, FAT FRACTION, "
        "WATER FRACTION, FF, PDFF, STIFFNESS, ELASTOGRAM, TEMPERATURE, METABOLITE, MTR, MT RATIO",
        PERFUSION: "CBF, CBV, MTT, TTP, TMAX, RCBF, RCBV, RELCBF, RELCBV, RELMTT, RELCMTT, PBP, "
        "GBP, KTRANS, KEP, IAUC, IAUGC, PERFUSION MAP",
        RATIO: "UNI, UNI DEN, UNIT1, DIVISION",
        DIFFERENCE: "SUB, SUBTRACTION, SUBTRACTED, DIFFERENCE",
        STATISTIC: "STD DEVIATION, STDEV, T MAP, Z MAP, T TEST, Z SCORE, R COEFFICIENT",
        PROJECTION: "MIP, MINIP, MNIP, MAXIMUM, MINIMUM, PROJECTION IMAGE, MAX IP, MIN IP, "
        "VOLUME RENDER, SURFACE REND",
        LABELS: "MASK, SEGMENTATION, LABEL",
        COMPUTED: "QUANTITY, MULTIPLICATION",
    }.items()
    for word in words.split(", ")
}
"""Words of ImageType and VolumeBasedCalculationTechnique: upper case, nothing between them."""
CT_WORDS: dict[str, Content] = {
    word: content
    for word, content in WORDS.items()
    if content in (PERFUSION, DIFFERENCE, PROJECTION, LABELS)
} | {
    word: MATERIAL
    for word in ("MATSPECIFIC", "MATFRACTIONAL", "EFFATOMICNUM", "ELECTRONDENSITY", "IODINE")
}
MAGNITUDE_WORDS = {"M", "MAGNITUDE"}
_OF_PHILIPS = re.compile(r"(?:SW )?([PRI]) [A-Z0-9 ]+")
"""P_FFE, SW_P_FFE, R_SE ...: the part of the complex image, and the sequence."""


def of_words(words: Iterable[Any], modality: str = "MR") -> Content | None:
    """What the words of ImageType or ComplexImageComponent say; None for a magnitude and for CT.

    A word of MR with MAP in it that is not known is a map that was computed.
    """
    known = CT_WORDS if modality == "CT" else WORDS
    for said in (re.sub("[_-]", " ", str(one)).strip().upper() for one in words):
        word = said.replace(" ", "")
        bare = word.removesuffix("UNSPECIFIED")  # Philips, where a sequence would stand
        if found := known.get(word) or known.get(bare):
            return found
        if modality != "CT" and (philips := _OF_PHILIPS.fullmatch(said)):
            return WORDS[philips[1]]
        if modality != "CT" and re.search(r"MAP\b", said):
            return COMPUTED
    return None


_UNITS: dict[re.Pattern[str], Content] = {
    re.compile(pattern): content
    for pattern, content in {
        r"m?rad|(milli)?radians?|(milli)?radials?|deg|degrees?|[cm]?m/s": PHASE,
        r"k?hz|hertz|rad/s|[um]?t|(micro)?tesla": FIELD,
        r"pp[mb]": SUSCEPTIBILITY,
        r"[mu]?s|m?secs?|seconds?|milliseconds?|1/m?s|m?s-1|k?pa|%|pct|percent|cel|degc": TISSUE,
        r"([x*]?1?[0e]*-?\d+)?\*?[mu]m2/m?s|[mu]m2/m?sec": DIFFUSION,
        r"ml/(min/)?(100)?(g|ml)(/min|/s)?|1/min|min-1": PERFUSION,
        r"k?bq/(ml|cc)|suv(bw)?|g/ml|counts|cps|cnts": PET,
    }.items()
}
"""In lower case, without blanks, brackets and signs of a power."""
PLAIN_UNITS = {"", "arbitrary", "arbitrary unit", "arbitrary units", "a.u.", "au", "n/a", "none"}
HU_UNITS = {"hu", "hounsfield", "hounsfield unit", "hounsfield units"}
PET_KEYS = ("TracerName", "TracerRadionuclide", "InjectedRadioactivity", "Radiopharmaceutical")


def of_unit(unit: str) -> Content | None:
    """What has values in this unit; None for one that is not known, and for no unit."""
    bare = re.sub(r"[\s\[\]{}^]|\*\*", "", unit.lower()).replace("µ", "u")
    return next((found for known, found in _UNITS.items() if known.fullmatch(bare)), None)


def of_sidecar(said: Mapping[str, Any], name: str = "") -> str:
    """Why the JSON file beside the scan `name` speaks against it, "" if it does not.

    Keys of BIDS and dcm2niix: Modality, ImageType, Units, EchoTime1 and 2, those of a tracer.
    """
    there = "in the JSON file beside it"
    modality = modality_said(said)
    if any(said.get(key) for key in PET_KEYS) or modality in ("PT", "NM"):
        return PET.at(f"a tracer, or Modality PT, {there}")
    if modality not in ("", "MR", "CT"):
        return f"expected MR or CT, found another Modality {there}"
    words = _kinds(said)
    if found := of_words(words, "CT" if modality == "CT" else "MR"):
        return found.at(f"ImageType {there}")
    unit = str(said.get("Units") or "").strip().lower()
    if unit not in PLAIN_UNITS | HU_UNITS:
        return (of_unit(unit) or OTHER_UNIT).at(f"Units {there}")
    magnitude = bool(MAGNITUDE_WORDS & set(words)) or _suffix(name).startswith("magnitude")
    if {"EchoTime1", "EchoTime2"} <= set(said) and not magnitude:
        return PHASE.at(f"EchoTime1 and EchoTime2, those of a phase difference, {there}")
    return ""


def modality_said(said: Mapping[str, Any]) -> str:
    """What the JSON file says as Modality, in capitals; people write it by hand."""
    return str(said.get("Modality") or "").strip().upper()


def mr_or_ct(modality: str) -> str:
    """The same if it is one of these, else ""."""
    return modality if modality in ("MR", "CT") else ""


def is_called_magnitude(said: Mapping[str, Any]) -> bool:
    """Whether the JSON file says that it is one, whatever the name of the scan."""
    return bool(MAGNITUDE_WORDS & set(_kinds(said)))


def _kinds(said: Mapping[str, Any]) -> list[str]:
    """The words of ImageType, and where dcm2niix says those of enhanced images."""
    values = [said.get(key) for key in ("ImageType", "ImageTypeText", "ComplexImageComponent")]
    lists = [value.split("\\") if isinstance(value, str) else value for value in values]
    return [str(one).strip().upper() for some in lists if isinstance(some, list) for one in some]


SUFFIXES: dict[str, Content] = {
    suffix: content
    for content, suffixes in {
        PHASE: "phase, phase1, phase2, phasediff, ph, unwrapped, unwrappedphase, phaseunwrapped",
        FIELD: "fieldmap, fieldmaphz, fmap, b0map, b1map, tb1map, rb1map",
        SUSCEPTIBILITY: "chi, chimap, qsm, susceptibility",
        DIFFUSION: "adc, adcmap, famap, mdmap, dwimap, tensor, kurtosis, kfa",
        TISSUE: "t1map, t2map, t2starmap, r1map, r2map, r2s, r2star, r2starmap, pdmap, mtrmap, "
        "mtr, mtsat, mtvmap, mwf, mwfmap, m0map, s0map, t1rho, pdff, fatfraction, stiffness, ecv",
        PERFUSION: "cbf, cbv, mtt, ttp, tmax, rcbf, rcbv, ktrans",
        RATIO: "unit1, uni, uniden",
        STATISTIC: "statmap, tsnr, zmap, tmap, zscore, pvalue, pval, stdev, alff, falff, reho",
        PROJECTION: "mip, minip, mnip",
        DIFFERENCE: "subtraction, deltam",
        LABELS: "mask, brainmask, dseg, probseg, seg, segmentation, label, labels, labelmap, roi, "
        "defacemask, aseg, aparcaseg, aparc+aseg, wmparc, ribbon, parcellation, pveseg, mixeltype",
        TRANSFORM: "xfm, warp, warpfield, jacobian, jac, logjacobian",
        PET: "pet, petmap, suv, suvbw, suvr",
    }.items()
    for suffix in suffixes.split(", ")
}
"""The end of a name, in lower case: its last part, or its last two without what parts them."""
BIDS_SUFFIXES = SUFFIXES | {
    "fa": DIFFUSION, "md": DIFFUSION, "ad": DIFFUSION, "rd": DIFFUSION, "mk": DIFFUSION,
    "real": REAL, "imaginary": IMAGINARY, "ff": TISSUE,
}  # fmt: skip
"""Those that mean something in a name with BIDS entities alone."""
ENTITIES: dict[tuple[str, str], Content] = {
    ("part", "phase"): PHASE,
    ("part", "real"): REAL,
    ("part", "imag"): IMAGINARY,
}
_ENTITY = re.compile(r"(?:^|_)([a-z]+)-([A-Za-z0-9+]+)")
_NAMES = {
    re.compile(pattern): content
    for pattern, content in {
        r"(thresh_)?(z|t|f|zf)stat\d*|(var)?cope\d*|pe\d+|spm[TF]_\d+|(con|beta)_\d+|tmap|zmap":
            STATISTIC,
        r"(sm?w|m?w|r)c[1-6].+": LABELS,
        r"(?i:.*(?:dti|dki|dwi|diff|tensor).*_)(FA|MD|AD|RD|MO|MK|L[123]|V[123])|FA|MD|ADC":
            DIFFUSION,
        r".*(\.seg|[-.]label)|.*_(pve|prob)_\d+": LABELS,
    }.items()
}  # fmt: skip
"""What FSL and SPM call statistics, dtifit the maps of a tensor, SPM, 3D Slicer and FAST labels.

Initials of a person, as in x_MD, are no map.
"""


def of_name(stem: str) -> Content | None:
    """What a file name without its ending says by the entities and suffixes of BIDS and others."""
    entities = _ENTITY.findall(stem) if "_" in stem else []
    for entity in entities:
        if entity in ENTITIES:
            return ENTITIES[entity]
        if entity[0] == "trc":
            return PET
        if entity[0] == "stat":
            return STATISTIC
    if named := next((one for pattern, one in _NAMES.items() if pattern.fullmatch(stem)), None):
        return named
    if stem == "brainmask":
        return None  # of FreeSurfer: the head without its skull
    known = BIDS_SUFFIXES if entities else SUFFIXES
    parts = re.split("[_. ]" if entities else "[-_. ]", stem.lower())
    ends = [parts[-1], "".join(parts[-2:])]
    found = next((known[end] for end in ends if end in known), None)
    return found or (COMPUTED if parts[-1].endswith("map") else None)


def _suffix(stem: str) -> str:
    return stem.rpartition("_")[2].lower()


def of_intent(code: int, description: str = "") -> Content | None:
    """What the intent code of a NIfTI header says (nifti1.h), or SPM in its description."""
    if 2 <= code <= 24 or code == 1001 or description.startswith("SPM{"):
        return STATISTIC
    if 3000 <= code < 3100:
        return SURFACE
    return _INTENTS.get(code)


_INTENTS = {
    1002: LABELS, 1003: LABELS, 1004: TRANSFORM, 1005: TRANSFORM, 1006: TRANSFORM, 1007: TRANSFORM,
    1008: SURFACE, 1009: SURFACE, 1010: TRANSFORM, 2002: SURFACE, 2005: SURFACE,
}  # fmt: skip
_INTENTS |= dict.fromkeys(range(2006, 2019), TRANSFORM)  # FSL's warps, coefficients and fields
