"""Sizes and durations as links write them: `mem=4G`, `cpu=0.5`, `idle=1h30m`."""

from __future__ import annotations

import re

from .errors import BadLink
from .plain import shown
from .sentences import Sentence

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([KMGT]?)(?:i?B)?", re.IGNORECASE | re.ASCII)
_CORES = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)|(\d{1,6})m", re.ASCII)
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)
_LONGEST = 20
_TEN_YEARS = 3660 * 86400


def read_bytes(text: str) -> int:
    """Bytes of `512M`, `4G`, `1.5GiB` or a plain number; a K is 1024, as for JupyterHub.

    Raises:
        BadLink: not a size above zero.
    """
    match = _BYTES.fullmatch(text)
    size = round(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size <= 0:
        raise BadLink("{given} is not an amount of memory such as 512M or 4G.", given=shown(text))
    return size


def write_bytes(size: int) -> str:
    """The inverse of :func:`read_bytes`, in the largest unit that is exact."""
    for unit in "TGMK":
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def say_bytes(size: int) -> Sentence:
    """An amount of memory as people say it: `4 GiB`; exact, where it is not round."""
    if size >= 1 << 30:
        return Sentence("{size} GiB", size=_exact(size / (1 << 30)))
    if size >= 1 << 20:
        return Sentence("{size} MiB", size=_exact(size / (1 << 20)))
    return Sentence("{size} bytes", size=size)


def _exact(number: float) -> float:
    """Four digits, and none after the point where it is whole."""
    short = float(f"{number:.4g}")
    return int(short) if short == int(short) else short


def read_cores(text: str) -> float:
    """Cores of `2`, `0.5` or Kubernetes' `500m`.

    Raises:
        BadLink: not a number above zero with at most three decimals.
    """
    match = _CORES.fullmatch(text)
    cores = (float(match[1]) if match[1] else int(match[2]) / 1000) if match else 0
    if cores <= 0:
        raise BadLink("{given} is not a number of processors such as 2 or 0.5.", given=shown(text))
    return cores


def write_cores(cores: float) -> str:
    """The inverse of :func:`read_cores`."""
    return f"{cores:.3f}".rstrip("0").rstrip(".")


def read_seconds(text: str) -> int:
    """Seconds of `30m`, `1h30m`, `2d` or a plain number.

    Raises:
        BadLink: not a duration above zero and below ten years.
    """
    match = _DURATION.fullmatch(text) if len(text) <= _LONGEST else None
    parts = match.groups("0") if match else ("0",)
    total = sum(int(n) * unit for n, unit in zip(parts, _SECONDS.values(), strict=False))
    if not 0 < total <= _TEN_YEARS:
        raise BadLink("{given} is not a time such as 30m or 2h.", given=shown(text))
    return total


def write_seconds(seconds: int) -> str:
    """The inverse of :func:`read_seconds`."""
    text = ""
    for letter, unit in _SECONDS.items():
        if count := seconds // unit:
            text += f"{count}{letter}"
        seconds %= unit
    return text
