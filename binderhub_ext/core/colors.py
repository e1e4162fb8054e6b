"""An institution's colours, made so that what is written on them and with them can be read. Pure.

Contrast as WCAG 2 defines it: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Color = tuple[int, int, int]

_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_PAPER, _NIGHT = (233, 236, 239), (43, 48, 53)
"""The darkest ground of a light page, and the lightest of a dark one."""
_LEGIBLE = 4.5
_STEPS = 20


def read_color(text: str) -> Color:
    """A colour of text such as `#2c7bb6`.

    Raises:
        ValueError: it is none.
    """
    if not _HEX.fullmatch(text):
        raise ValueError(text)
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def sheet(colors: Mapping[str, str]) -> str:
    """A style sheet that gives our pages and the Hub's these colours; empty for none.

    Args:
        colors: of `accent` (buttons, links) and `bar` (the top of the page), what is given.
    """
    parts = []
    if accent := colors.get("accent"):
        parts.append(_of_accent(read_color(accent)))
    if bar := colors.get("bar"):
        parts.append(_of_bar(read_color(bar)))
    return "\n".join(parts)


def contrast(one: Color, other: Color) -> float:
    """From 1 (the same) to 21 (black on white)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(color: Color, ground: Color) -> Color:
    """The colour, or the nearest lighter or darker one that can be read on a ground."""
    end = written_on(ground)
    steps = (_mixed(color, end, step / _STEPS) for step in range(_STEPS + 1))
    return next((color for color in steps if contrast(color, ground) >= _LEGIBLE), end)


def written_on(ground: Color) -> Color:
    """White where that can be read on it, else black."""
    return _WHITE if contrast(_WHITE, ground) >= _LEGIBLE else _BLACK


def _of_accent(accent: Color) -> str:
    ink = written_on(accent)
    pressed = _mixed(accent, _BLACK if ink == _WHITE else _WHITE, 0.15)
    full = _button(accent, ink, "", "disabled-") + _button(pressed, ink, "hover-", "active-")
    outlined = f"--bs-btn-border-color:{_hex(accent)};" + _button(accent, ink, "hover-", "active-")
    red, green, blue = accent
    return "\n".join(
        [
            f":root{{--bs-primary:{_hex(accent)};--bs-primary-rgb:{red},{green},{blue};"
            f"--bs-primary-bg-subtle:{_hex(_mixed(accent, _WHITE, 0.85))}}}",
            f"[data-bs-theme=dark]{{--bs-primary-bg-subtle:{_hex(_mixed(accent, _BLACK, 0.75))}}}",
            f".btn-primary,.btn-jupyter{{{full}}}",
            f".btn-outline-primary{{{outlined}}}",
            f"#login-main .auth-form-header{{background:{_hex(accent)};color:{_hex(ink)}}}",
            f"body{{--binder-accent-text:{_hex(legible(accent, _PAPER))}}}",
            f"[data-bs-theme=dark] body{{--binder-accent-text:{_hex(legible(accent, _NIGHT))}}}",
        ]
    )


def _button(ground: Color, ink: Color, *states: str) -> str:
    return "".join(
        f"--bs-btn-{state}color:{_hex(ink)};--bs-btn-{state}bg:{_hex(ground)};"
        f"--bs-btn-{state}border-color:{_hex(ground)};"
        for state in states
    )


def _of_bar(bar: Color) -> str:
    ink = _hex(written_on(bar))
    icon = "brightness(0)" + (" invert(1)" if written_on(bar) == _WHITE else "")
    return "\n".join(
        [
            f"nav.navbar{{background:{_hex(bar)} !important}}",
            f"nav.navbar :is(a,button,span){{color:{ink} !important}}",
            f"nav.navbar :is(.btn,.navbar-toggler){{border-color:{ink} !important}}",
            f"nav.navbar .navbar-toggler-icon{{filter:{icon}}}",
        ]
    )


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _mixed(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (
        round(one + (two - one) * share) for one, two in zip(color, other, strict=True)
    )
    return red, green, blue


def _hex(color: Color) -> str:
    return "#" + "".join(f"{part:02x}" for part in color)
