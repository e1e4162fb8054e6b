"""An institution's colours can be read, whichever they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets import TraitError
from traitlets.config import Config

from binderhub_ext.core.colors import contrast, legible, read_color, sheet, written_on
from binderhub_ext.service.appearance import Appearance

COLORS = st.tuples(*[st.integers(0, 255)] * 3)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@given(COLORS, COLORS)
def test_what_is_written_can_be_read(color: tuple[int, int, int], ground: tuple[int, ...]) -> None:
    assert contrast(written_on(color), color) >= 4.5
    assert contrast(legible(color, ground), ground) >= 4.5  # type: ignore[arg-type]


def test_a_colour_that_can_be_read_is_left_alone() -> None:
    assert legible(read_color("#216293"), (255, 255, 255)) == read_color("#216293")


@given(COLORS, COLORS)
def test_every_button_of_the_sheet_can_be_read(
    accent: tuple[int, ...], bar: tuple[int, ...]
) -> None:
    given = {"accent": f"#{bytes(accent).hex()}", "bar": f"#{bytes(bar).hex()}"}
    buttons = re.findall(r"color:(#\w{6});--bs-btn-(?:[a-z]+-)?bg:(#\w{6})", sheet(given))
    assert len(buttons) == 6
    assert all(contrast(read_color(ink), read_color(ground)) >= 4.5 for ink, ground in buttons)


def test_no_colours_change_nothing() -> None:
    assert sheet({}) == ""


def test_a_bar_of_ones_own_leaves_the_accent() -> None:
    style = Appearance(colors={"bar": "#003c32"}).site()["style"]
    assert "--bs-primary:#2c7bb6" in style and "nav.navbar{background:#003c32" in style


@pytest.mark.parametrize(
    "colors", [{"accent": "red"}, {"accent": "#12345"}, {"links": "#123456"}, {"bar": "#000;}"}]
)
def test_what_is_no_colour_is_refused(colors: dict[str, str]) -> None:
    with pytest.raises(TraitError):
        Appearance(config=Config(Appearance={"colors": colors}))
