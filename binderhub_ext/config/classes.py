"""Every class that may have settings, loaded: what JupyterHub, we and a configuration name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from traitlets.config import Config

from ..engines.installed import engine_names, find_engine
from ..repos.installed import GROUP

_PROGRAMS = ("binderhub_ext.app", "binderhub_ext.up.app", "binderhub_ext.up.doctor")
"""By name: they import this package."""


def load(config: Config) -> None:
    """Import them; what is not installed, or does not load, is left out.

    Takes seconds, since all of the Hub is among them.

    Args:
        config: of an administrator, who names classes of their own.
    """
    for name in _PROGRAMS:
        importlib.import_module(name)
    for engine in engine_names():
        with suppress(Exception):
            importlib.import_module(find_engine(engine).builder.partition(":")[0])
    for entry in (*entry_points(group=GROUP), *_of_the_hub()):
        with suppress(Exception):
            entry.load()
    _load_chosen(config)


def _of_the_hub() -> Iterator[EntryPoint]:
    for _, trait in _choices():
        yield from trait.load_entry_points().values()


def _load_chosen(config: Config) -> None:
    """Authenticator, spawner, proxy and what else is chosen by the name of its class."""
    for name, trait in _choices():
        with suppress(Exception):
            trait.validate(None, config.JupyterHub[name])


def _choices() -> Iterator[tuple[str, Any]]:
    from jupyterhub.app import JupyterHub
    from jupyterhub.traitlets import EntryPointType

    for name, trait in JupyterHub.class_traits(config=True).items():
        if isinstance(trait, EntryPointType):
            yield name, trait
