"""Links from anywhere: the page that asks, BinderHub's older addresses, badges."""

from __future__ import annotations

from urllib.parse import urlsplit

from tornado.web import RequestHandler, StaticFileHandler

from ...core.links import read_link
from .. import confirmation
from .base import Page


class Link(Page):
    """`/v2/<provider>/<spec>`: asks. Nothing is started by a GET, whoever is trusted."""

    async def get(self, provider: str, _spec: str) -> None:
        service = self.service
        request = read_link(
            provider, raw_spec(self), self.request.query, providers=service.providers
        )
        asked = await confirmation.question(service, self.me, request)
        source = confirmation.Source.of(
            self.origin(),
            own_host=self.request.host,
            fetch_site=self.request.headers.get("Sec-Fetch-Site", ""),
        )
        self.show("confirm.html", **confirmation.page_values(service, asked, source))


class OldLink(Page):
    """`/repo/<owner>/<name>[/<path>]`: BinderHub's first form, sent on to the present one."""

    public = True

    async def get(self, owner: str, name: str, path: str | None) -> None:
        raw = self.request.path.removeprefix(f"{self.service.prefix}repo/").split("/", 2)
        query = self.request.query
        if len(raw) > 2 and raw[2]:
            query = "&".join(filter(None, (query, f"urlpath={raw[2]}")))
        link = f"{self.service.prefix}v2/gh/{raw[0]}/{raw[1]}/HEAD"
        self.redirect(f"{link}?{query}" if query else link)


class Picture(StaticFileHandler):
    """Badges and icons other sites show."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.set_header("Cache-Control", "public, max-age=86400")


def raw_spec(handler: RequestHandler) -> str:
    """The spec as sent, escapes and all: tornado would have decoded `%2F` by now."""
    path = urlsplit(handler.request.uri or "").path
    prefix: str = handler.settings["binder"].prefix
    return path.removeprefix(prefix).split("/", 2)[2]
