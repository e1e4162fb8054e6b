"""What the Hub's own pages are told: who provides this hub, in which language, and what somebody
signs in for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import unquote_plus, urlsplit

from tornado.web import RequestHandler
from traitlets.config import Config

from .core.errors import BinderError
from .core.layout import DataDirectory
from .core.opens import OPENS
from .core.paste import understand
from .core.plain import query_pairs
from .core.providers import Providers
from .languages.choice import COOKIE, Offer, asked, remember, without_language
from .languages.language import speak
from .repos.installed import installed_providers
from .service.announcement import Announcement
from .service.appearance import Appearance
from .service.settings import LaunchPolicy

_TITLE_MAX = 80


def site(config: Config) -> Callable[[Any], dict[str, Any]]:
    """The variable `site` of the Hub's templates, for `c.JupyterHub.template_vars`.

    Args:
        config: read when the first page is shown, so that lines after this call count.
    """

    @cache
    def made() -> dict[str, Any]:
        providers = LaunchPolicy(config=config).known_providers(installed_providers())
        look = Appearance(config=config)
        offer = look.offer()
        return {
            **look.site(),
            "opens": lambda escaped: opens(unquote_plus(escaped), providers),
            "hear": lambda static_url: hear(static_url, offer),
        }

    return lambda _user: made()


def announced(layout: DataDirectory) -> Callable[[Any], str]:
    """The variable `announced` likewise: what an administrator tells everybody now."""
    announcement = Announcement.of(layout)
    return lambda _user: announcement.words()


def hear(static_url: Any, offer: Offer) -> str:
    """Speak the language of who asks for a page of the Hub's, from its first line on.

    Args:
        static_url: a method of the request's handler, the one thing the Hub's templates have of it.
        offer: the languages of this hub.

    Returns:
        The address of the page, below its host.
    """
    handler = getattr(static_url, "__self__", None)
    if not isinstance(handler, RequestHandler):
        speak(offer.choose())
        return ""
    wanted = asked(handler)
    header = handler.request.headers.get("Accept-Language", "")
    language = offer.choose(wanted, handler.get_cookie(COOKIE, "") or "", header=header)
    speak(language)
    if wanted:
        remember(handler, language.tag, handler.settings["base_url"])
    return without_language(handler.request.uri or "") if handler.request.method == "GET" else ""


def opens(address: str, providers: Providers) -> str:
    """What people call the repository that signing in leads to; empty where there is none.

    Anybody can have written the address. So a title is one that a link can have, and short.

    Args:
        address: where the sign-in goes on, relative to the hub.
        providers: what links may name.
    """
    try:
        parts = urlsplit(address)
        link = dict(query_pairs(parts.query)).get(OPENS, "")
        if not link and "/user-redirect/" in parts.path:
            link = f"https://hub.invalid{address}"
        request = understand(link, providers=providers).request if link else None
    except (BinderError, ValueError):
        return ""
    if request is None:
        return ""
    title = request.repo.title if request.repo else request.image
    return title if len(title) <= _TITLE_MAX else f"{title[:_TITLE_MAX]}…"
