"""The providers that are installed, found by entry point, and what fetches from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from tornado.log import app_log

from ..core.errors import UnknownProvider
from ..core.providers import PROVIDERS, Provider, Providers, find, table
from .base import RepoProvider

GROUP = "binderhub_ext.repo_providers"


@cache
def installed_providers() -> Providers:
    """What entry points announce: the built-in ones in their order, then others by id.

    One that cannot be used is left out, which the log says.
    """
    announced: dict[str, Provider] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            provider = entry.load()
        except Exception as error:
            app_log.warning("The provider %s cannot be loaded: %r", entry.name, error)
            continue
        if isinstance(provider, Provider) and provider.id == entry.name:
            announced[provider.id] = provider
        else:
            words = "%s is not announced as a provider of that id, but as %s; it is not offered"
            app_log.warning(words, entry.name, entry.value)
    own = [announced[id] for id in PROVIDERS if id in announced]
    return table(*own, *announced.values())


def fetcher_class(provider: Provider) -> type[Any]:
    """The class that fetches from a provider.

    Raises:
        ImportError, AttributeError: it is not there.
    """
    module, _, name = provider.fetcher.partition(":")
    cls: type[Any] = getattr(import_module(module), name)
    return cls


def make_fetchers(providers: Providers, **settings: Any) -> Mapping[str, RepoProvider]:
    """What fetches from each provider; one object of a class, however many it serves.

    Where that cannot be made there is none, which the log says.

    Args:
        settings: its traits.
    """
    made: dict[str, RepoProvider] = {}
    fetchers = {}
    for provider in providers.values():
        if not provider.fetcher:
            continue
        try:
            if provider.fetcher not in made:
                made[provider.fetcher] = fetcher_class(provider)(**settings)
        except Exception:
            app_log.exception("What fetches from the provider %s cannot be made", provider.id)
            continue
        fetchers[provider.id] = made[provider.fetcher]
    return fetchers


def load_provider(id: str, **settings: Any) -> RepoProvider:
    """What fetches the repositories of one provider.

    Args:
        id: in links.
        settings: its traits.

    Raises:
        UnknownProvider: nothing that is installed does.
    """
    provider = find(installed_providers(), id)
    for fetcher in make_fetchers(table(provider), **settings).values():
        return fetcher
    raise UnknownProvider("Nothing is installed that fetches from “{id}”.", id=id)
