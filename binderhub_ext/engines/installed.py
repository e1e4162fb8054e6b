"""Which engines are on this machine: found by entry point, never by name in our code."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import Any

from traitlets.config import Config

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from .base import Builder, Engine
from .rundir import Owner

GROUP = "binderhub_ext.engines"


def engine_names() -> list[str]:
    """Names of the installed engines, sorted."""
    return sorted({entry.name for entry in entry_points(group=GROUP)})


def find_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        CannotStart: it is not installed, or announces itself wrongly.
    """
    for entry in entry_points(group=GROUP, name=name):
        engine = entry.load()
        if isinstance(engine, Engine):
            return engine
        raise CannotStart("The entry point {name} is not an Engine.", name=entry.value)
    raise CannotStart(
        "There is no engine '{name}' on this machine. Installed: {installed}.",
        name=name,
        installed=", ".join(engine_names()),
    )


def load_builder(engine: Engine, config: Config, layout: DataDirectory) -> Builder:
    """The builder of an engine, configured. Imports its client libraries.

    Raises:
        ImportError: a library it needs is not installed.
    """
    builder_class: type[Builder] = _load(engine.builder)
    return builder_class(config=config, data_dir=str(layout.root))


def ensure_owner(engine: Engine, layout: DataDirectory, user: str) -> Owner:
    """Make a person's home as an engine does at a start, if there is none; gives whose it is.

    Raises:
        CannotStart: this engine gives homes an owner at starts alone.
        BinderError: it cannot be used.
    """
    if not engine.owner:
        raise CannotStart(
            "The engine '{name}' makes homes when a server starts, and not before.",
            name=engine.name,
        )
    owner: Owner = _load(engine.owner)(layout, user)
    return owner


def apply_hub_settings(engine: Engine, config: Config, asked: Config) -> None:
    """Let an engine add to the Hub's configuration what its servers need.

    Args:
        config: to add to.
        asked: what the administrator says; may be the same.

    Raises:
        CannotStart: it cannot get that here.
    """
    if engine.hub_settings:
        _load(engine.hub_settings)(config, asked)


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
