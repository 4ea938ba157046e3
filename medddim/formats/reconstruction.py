"""Whether a scan was denoised by its scanner: what the header or the JSON file says of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from medddim.volume import Volume

SIEMENS = {"DRB": "Deep Resolve Boost", "DRG": "Deep Resolve Gain", "DRS": "Deep Resolve Sharp"}
"""Words of ImageType, of (0021,1175) in enhanced images, and of ImageTypeText of dcm2niix."""
PRODUCTS = {
    "Deep Resolve": r"deep ?resolve",
    "AIR Recon DL": r"air ?recon|recon ?dl",
    "SmartSpeed AI": r"smartspeed ?(ai|precise)",
    "AiCE": r"aice",
    "TrueFidelity": r"true ?fidelity|dlir",
    "Precise Image": r"precise ?image",
}
"""What vendors call it, as it stands in SeriesDescription; whole words, in any case."""
GE_BLOCK, GE_ELEMENT = "GEMS_PARM_01", 0xCA
SIEMENS_WORDS = 0x0021, 0x1175


def denoised_by_scanner(volume: Volume) -> str:
    """The name of the learned reconstruction that a scan went through; "" if none is known of.

    From the words of ImageType and SeriesDescription and the private elements that dcm2niix reads:
    Siemens (0021,1175), GE (0043,xxCA) of GEMS_PARM_01; of files, the keys DeepLearning and
    DeepLearningDetails of the JSON file that dcm2niix writes.
    """
    source = volume.source
    beside = getattr(source, "beside", None)
    if beside is not None and beside.said:
        return _of_json(beside.said)
    headers = getattr(source, "headers", ())
    return _of_header(headers[0]) if headers else ""


def _of_json(said: Mapping[str, Any]) -> str:
    words = [*_listed(said.get("ImageType")), *_listed(said.get("ImageTypeText"))]
    named = _named(words, str(said.get("SeriesDescription") or ""))
    learned = said.get("DeepLearning") is True or bool(said.get("DeepLearningDetails"))
    return named or ("deep learning" if learned else "")


def _of_header(header: Any) -> str:
    words = _listed(header.get("ImageType"))
    private = header.get(SIEMENS_WORDS)
    if private is not None and not isinstance(private.value, bytes):
        words += _listed(private.value)
    if named := _named(words, str(header.get("SeriesDescription") or "")):
        return named
    try:
        strength = _listed(header.private_block(0x0043, GE_BLOCK)[GE_ELEMENT].value)
        return "AIR Recon DL" if strength and float(strength[0]) > 0 else ""
    except (KeyError, ValueError):
        return ""


def _named(words: Iterable[str], description: str) -> str:
    found = [SIEMENS[word] for word in words if word in SIEMENS]
    text = description.replace("_", " ").replace("-", " ")
    found += [
        name for name, said in PRODUCTS.items() if re.search(rf"\b({said})\b", text, re.IGNORECASE)
    ]
    return ", ".join(dict.fromkeys(found))


def _listed(value: Any) -> list[str]:
    if value is None or isinstance(value, (bytes, Mapping)):
        return []
    values = [value] if isinstance(value, (str, int, float)) else value
    return [str(one).strip().upper() for one in values]
