"""Which engine this machine can run, asked of the engines themselves."""

from __future__ import annotations

import asyncio

from traitlets.config import Config

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..core.sentences import Sentence
from ..engines.base import Check
from ..engines.checks import pip
from ..engines.installed import engine_names, find_engine, load_builder

AUTO = "auto"
_PREFERENCE = ("docker", "local")
"""What `auto` tries, best first: a container serves more repositories than a sandbox. Engines
that need a cluster are never chosen by themselves."""

_MEMORY = "engine"
"""Name of the file in the data directory with the engine of its last start."""


def check(name: str, c: Config, layout: DataDirectory) -> list[Check]:
    """What an engine needs and whether it is there; never raises for what is missing.

    Must not be called while an event loop runs.
    """
    try:
        builder = load_builder(find_engine(name), c, layout)
        return asyncio.run(builder.checks())
    except ImportError as error:
        return [
            Check(
                Sentence("{program} engine", program=name),
                ok=False,
                message=Sentence("It cannot be loaded: {error}.", error=error),
                fix=pip(f"'binder-at-home[{name}]'"),
            )
        ]


def choose(name: str, c: Config, layout: DataDirectory) -> str:
    """The engine to run: the one asked for, or the first that works; remembered for next time.

    What was built with one engine is of no use to another, so a data directory keeps the one
    it began with, also after a better one is installed, until another is asked for by name.

    Args:
        name: an engine, or `auto`.
        c: configuration; an engine may be told there to do without something.
        layout: the data directory.

    Raises:
        CannotStart: it lacks something here; says what, and the command that mends it.
    """
    last = remembered(layout) if name == AUTO else ""
    if last:
        candidates = [last]
    elif name == AUTO:
        candidates = [n for n in _PREFERENCE if n in engine_names()]
    else:
        candidates = [name]
    chosen = _first_that_works(candidates, c, layout, name)
    memory = layout.root / _MEMORY
    memory.touch(mode=0o600)
    memory.write_text(f"{chosen}\n")
    return chosen


def remembered(layout: DataDirectory) -> str:
    """The engine that a data directory was used with last; empty if that is none of those here."""
    memory = layout.root / _MEMORY
    last = memory.read_text(errors="replace").strip() if memory.exists() else ""
    return last if last in engine_names() else ""


def _first_that_works(names: list[str], c: Config, layout: DataDirectory, asked: str) -> str:
    missing: list[Check] = []
    for name in names:
        missing = [one for one in check(name, c, layout) if one.required and not one.ok]
        if not missing:
            return name
    if not names:
        raise CannotStart("No engine is installed.")
    lines = [f"The engine '{names[-1]}' cannot run here."]
    lines += [f"  {check.name}: {check.message} {check.fix}".rstrip() for check in missing]
    if len(names) == 1 and asked == AUTO:
        lines.append("It is the one this data directory began with; --engine chooses another.")
    raise CannotStart("\n".join(lines))
