"""A configuration as a whole: refused in words, or fit to start with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from traitlets import TraitError
from traitlets.config import Config

from ..core.errors import CannotStart
from . import classes
from .files import place_of
from .names import Fault, faults


def check(
    config: Config,
    paths: list[Path],
    *,
    typed: Config | None = None,
    warn: Callable[[str], None] | None = None,
) -> None:
    """Refuse settings that nobody knows and values that nobody takes.

    Args:
        config: everything that was set.
        paths: the files it is from.
        typed: the part of it that is from the command line.
        warn: told of classes that nobody here knows; `None` where those are another program's.

    Raises:
        CannotStart: one sentence for each, with its place and what may be meant.
    """
    refused = []
    for fault in faults(config, steps=classes.steps(config), strangers=warn is not None):
        words = f"{_place(fault, paths, typed or Config())}{fault.words}"
        if fault.refused:
            refused.append(words)
        elif warn:
            warn(words)
    if refused:
        raise CannotStart("\n".join(refused))


@contextmanager
def settings_in_words() -> Iterator[None]:
    """A value that is refused while something is made is a sentence too."""
    try:
        yield
    except TraitError as error:
        raise CannotStart("A setting has a wrong value: {error}", error=error) from error


def _place(fault: Fault, paths: list[Path], typed: Config) -> str:
    place = place_of(fault.section, fault.name, paths)
    if not place and fault.section in typed:
        place = "On the command line"
    place = place or ", ".join(map(str, paths[:1]))
    return f"{place}: " if place else ""
