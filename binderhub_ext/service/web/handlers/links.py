"""Links from anywhere: the page that asks, BinderHub's older addresses, badges."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

from tornado.web import RequestHandler, StaticFileHandler

from ....core.errors import BadLink, BinderError, RefNotFound, RepoNotFound
from ....core.launch import LaunchRequest
from ....core.links import read_link, write_link
from ....core.paste import understand
from ....core.sentences import Sentence
from ...failures import Failure
from .. import confirmation, previews, readmes
from ..context import service_of
from .base import Guarded, Page
from .pages import show_home

_TO_BLAME = {RepoNotFound.code: "repo", RefNotFound.code: "ref"}
"""Fields of the form by the code of a failure."""


class AskingPage(Page):
    """A page that asks. Nothing is started by a GET, whoever is trusted."""

    def asked_language(self) -> str:
        return ""

    async def ask(self, request: LaunchRequest, guessed: Sequence[Sentence] = ()) -> None:
        """Show what a launch would do.

        Args:
            guessed: sentences on what was assumed of the link.
        """
        try:
            nearest = await confirmation.nearest(self.service, self.me, request)
        except BinderError as error:
            blamed = _TO_BLAME.get(error.code, "")
            failure = replace(Failure.of(error, where="Link"), field=blamed)
            self.set_status(failure.status)
            link = write_link(request, providers=self.service.providers)
            await show_home(self, {"link": [link]}, failure)
            return
        source = confirmation.Source.of(
            self.origin(),
            own_host=self.request.host,
            fetch_site=self.request.headers.get("Sec-Fetch-Site", ""),
        )
        readme, notebook = {}, {}
        if commit := nearest.asked.commit:
            path, builds = previews.notebook_of(request), self.service.builds
            readme = await readmes.shown(builds, commit)
            notebook = await previews.shown(builds, commit, path, self.language.say)
        self.show(
            "confirm.html",
            readme=readme,
            notebook=notebook,
            **confirmation.page_values(self.service, nearest, source, guessed),
        )


class Link(AskingPage):
    """`/v2/<provider>/<spec>`: one of our own links, or a Binder's."""

    def asked_for(self) -> LaunchRequest | None:
        with suppress(BadLink):
            return self._request(self.path_args[0])
        return None

    async def get(self, provider: str, _spec: str) -> None:
        await self.ask(self._request(provider))

    def _request(self, provider: str) -> LaunchRequest:
        spec, query = raw_spec(self), self.request.query
        return read_link(provider, spec, query, providers=self.service.providers)


class Open(AskingPage):
    """`/open?link=`: any address, as if it were pasted; the Hub sends nbgitpuller's here."""

    def asked_for(self) -> LaunchRequest | None:
        link, providers = self.get_query_argument("link", ""), self.service.providers
        with suppress(BadLink):
            return understand(link, providers=providers).request if link else None
        return None

    async def get(self) -> None:
        link = self.get_query_argument("link", "")
        try:
            understanding = understand(link, providers=self.service.providers)
        except BadLink as error:
            failure = replace(Failure.of(error, where="Open"), field="repo")
            self.set_status(failure.status)
            await show_home(self, {"repo": [link]}, failure)
        else:
            await self.ask(understanding.request, understanding.guessed)


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


class Picture(Guarded, StaticFileHandler):
    """Badges and icons other sites show."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.set_header("Cache-Control", "public, max-age=86400")


def raw_spec(handler: RequestHandler) -> str:
    """The spec as sent, escapes and all: tornado would have decoded `%2F` by now."""
    path = urlsplit(handler.request.uri or "").path
    prefix: str = service_of(handler).prefix
    return path.removeprefix(prefix).split("/", 2)[2]
