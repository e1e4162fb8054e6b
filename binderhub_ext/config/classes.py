"""Every class that may have settings, loaded: what JupyterHub, we and a configuration name."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint
from typing import Any

from traitlets.config import Config

from ..engines.installed import engine_names, find_engine
from ..repos.installed import fetcher_class, installed_providers

_PROGRAMS = (
    *("binderhub_ext.app", "binderhub_ext.up.apart"),
    *("binderhub_ext.up.app", "binderhub_ext.up.doctor"),
)
"""By name: they import this package."""


def steps(config: Config) -> Iterator[None]:
    """Import them, those first that are likely to be meant and are there at once.

    The last ones take seconds: clients of clusters are among them. What is not installed, or does
    not load, is left out.

    Args:
        config: of an administrator, who names classes of their own.
    """
    for name in _PROGRAMS:
        importlib.import_module(name)
    yield
    _load_chosen(config)
    load_rooms(*(name for name in engine_names() if _is_set(name, config)))
    yield
    load_rooms(*engine_names())
    _load_entries(_of_the_hub())
    yield


def _is_set(engine: str, config: Config) -> bool:
    """Whether an engine's builder has settings; one that is announced wrongly has none."""
    with suppress(Exception):
        return find_engine(engine).builder.partition(":")[2] in config
    return False


def load_rooms(*engines: str) -> None:
    """Import what reads repositories, and the builders of engines: quick, without the Hub."""
    for engine in engines:
        with suppress(Exception):
            importlib.import_module(find_engine(engine).builder.partition(":")[0])
    for provider in installed_providers().values():
        with suppress(Exception):
            fetcher_class(provider)


def _load_entries(entries: Iterable[EntryPoint]) -> None:
    for entry in entries:
        with suppress(Exception):
            entry.load()


def _of_the_hub() -> Iterator[EntryPoint]:
    for _, trait in _choices():
        yield from trait.load_entry_points().values()


def _load_chosen(config: Config) -> None:
    """Authenticator, spawner, proxy and what else is chosen by the name of its class."""
    for name, trait in _choices():
        # not looked at otherwise: looking makes a setting of it, and then it seems to be chosen
        if name in config.JupyterHub:
            with suppress(Exception):
                trait.validate(None, config.JupyterHub[name])


def _choices() -> Iterator[tuple[str, Any]]:
    from jupyterhub.app import JupyterHub
    from jupyterhub.traitlets import EntryPointType

    for name, trait in JupyterHub.class_traits(config=True).items():
        if isinstance(trait, EntryPointType):
            yield name, trait
