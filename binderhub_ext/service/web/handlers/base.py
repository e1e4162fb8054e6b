"""Who asks, what every answer carries, and how a refusal looks: once for all handlers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuthenticated
from tornado.httputil import url_concat
from tornado.web import Finish, HTTPError, RequestHandler

from ....core.errors import BadLink, BinderError, HubUnavailable, NotAllowed
from ....core.jsontext import parse_json
from ....core.launch import LaunchRequest
from ....core.opens import OPENS, link_to
from ....languages.choice import COOKIE, asked, remember, without_language
from ....languages.language import ENGLISH_TAG, Language
from ...failures import Failure
from ...hub import Person
from ...members import Member
from ...requests import Fields
from ..context import Service, service_of
from ..pages import security_headers

T = TypeVar("T")

_OWN_PAGE = "same-origin"
_BODY_MAX = 64 * 1024


class Guarded(RequestHandler):
    """What every answer carries: also a file's, a redirect and a refusal."""

    def set_default_headers(self) -> None:
        self.nonce = secrets.token_urlsafe(16)
        self.clear_header("Server")
        servers = service_of(self).servers
        for name, value in security_headers(self.nonce, servers=servers).items():
            self.set_header(name, value)


class Handler(HubOAuthenticated, Guarded):
    """Identity, headers and errors. Not signed in is refused unless `public`."""

    public = False
    changing = False
    """Whether to be asked does something by itself, so that no other page may ask."""
    person: Person | None = None
    refused: Person | None = None
    """Who asks, before it is seen to that they have nothing of others: they are told, no more."""
    own_language = ""
    """The tag that the person chose, where this browser does not know of it."""

    @property
    def service(self) -> Service:
        return service_of(self)

    @property
    def me(self) -> Person:
        """Who asks; only where signing in is required."""
        if self.person is None:
            raise _sign_in()
        return self.person

    @property
    def by_token(self) -> bool:
        """Whether they came with a token, which no page of another site can send along."""
        return bool(getattr(self, "_token_authenticated", False))

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")

    async def prepare(self) -> None:
        """Find out who asks without holding up the event loop, as `current_user` alone would."""
        if self.public or self.request.method == "OPTIONS":
            return
        self.service.bans.check(self.request.remote_ip)
        await self.find_person()
        if self.person is None:
            self.refuse_stranger()
            return
        self._check_site()
        person = self.refused = self.person
        self.person = None
        self.person = replace(person, since=await self.service.heirs.came(person))
        if not (self.by_token or self.asked_language() or self.get_cookie(COOKIE)):
            self.own_language = await self.service.choices.language(self.person.name)

    async def find_person(self) -> None:
        """Find out who asks; nobody who is not signed in.

        Raises:
            HubUnavailable: the Hub does not say.
        """
        try:
            await self.hub_auth.get_user(self, sync=False)
        except HTTPError as error:
            if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            raise HubUnavailable from error
        user = self.current_user
        if user is not None and user.get("kind") == "user":
            self.person = self._person(user)

    def _check_site(self) -> None:
        """A cookie goes along from wherever a request comes: only our own pages do anything.

        Raises:
            NotAllowed: signed in by a cookie, asked by a page of another origin.
        """
        only_reads = self._reads and not self.changing
        if not (only_reads or self.by_token or self.asked_by_us()):
            raise stale()

    @property
    def _reads(self) -> bool:
        return self.request.method in ("GET", "HEAD")

    def asked_by_us(self) -> bool:
        """Whether a page of ours asks, or somebody who typed the address.

        A browser says this itself, and no page can; but not where it came by `http` or is an old
        one. The XSRF token, which was looked at for all that is no reading, and the address of a
        page of ours are then what no other page can send.
        """
        headers = self.request.headers
        if site := headers.get("Sec-Fetch-Site"):
            return site in (_OWN_PAGE, "none")
        if not self._reads or "X-XSRFToken" in headers:
            return True
        return self.origin() == self.request.host

    def _person(self, user: dict[str, Any]) -> Person:
        member = Member.from_model(user)
        token = self.hub_auth.get_token(self)
        admin = "admin-ui" in (user.get("scopes") or ())
        return Person(user["name"], token, member.groups, admin=admin, since=member.since)

    def refuse_stranger(self) -> None:
        """What happens to those not signed in."""
        raise _sign_in()

    def fields(self) -> Fields:
        """The form's fields by name, each with all its values."""
        return {name: self.get_body_arguments(name) for name in self.request.body_arguments}

    @property
    def host_url(self) -> str:
        """Scheme and host, as whoever asks reached us."""
        return f"{self.request.protocol}://{self.request.host}"

    @property
    def service_url(self) -> str:
        """The absolute URL of this service, likewise."""
        return self.host_url + self.service.prefix

    @property
    def of_a_form(self) -> bool:
        """Whether a browser asks that shows the answer as a page."""
        return "text/html" in self.request.headers.get("Accept", "")

    def go_on(self, path: str = "") -> None:
        """Have a browser get a page of ours, after something was done."""
        self.redirect(self.service.prefix + path, status=303)

    def query_fields(self) -> Fields:
        return {name: self.get_query_arguments(name) for name in self.request.query_arguments}

    def origin(self) -> str:
        """The host a request comes from as far as the browser says, for the records."""
        header = self.request.headers.get("Origin") or self.request.headers.get("Referer") or ""
        try:
            return urlsplit(header).netloc[:255]
        except ValueError:
            return ""

    # ---- language

    def asked_language(self) -> str:
        """What the address asks for; empty where its arguments are those of a launch."""
        return asked(self)

    @cached_property
    def language(self) -> Language:
        """Whose language the answer is in: asked for, chosen before, in this browser or in another,
        the browser's, the hub's.

        A program that asks for none, by a token, is answered in English.
        """
        cookie = "" if self.by_token else self.get_cookie(COOKIE, "")
        return self.service.offer.choose(
            self.asked_language(),
            cookie or "",
            self.own_language,
            header=self.request.headers.get("Accept-Language", ""),
            default=ENGLISH_TAG if self.by_token else "",
        )

    def write(self, chunk: str | bytes | dict[str, Any]) -> None:
        """Write, with sentences said in the answer's language."""
        if isinstance(chunk, dict):
            self.set_header("Content-Language", self.language.tag)
            chunk = self.language.said(chunk)
        super().write(chunk)

    # ---- refusals

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        exc_info = kwargs.get("exc_info")
        if exc_info:
            failure = Failure.of(exc_info[1], where=f"{self.request.method} {self.request.path}")
        else:
            failure = Failure.of_status(status_code)
        self.set_status(failure.status)
        self.show_failure(failure)

    def show_failure(self, failure: Failure) -> None:
        self.write(failure.to_json())
        self.finish()

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Nothing: :class:`Failure` logs what deserves it, once."""


class Page(Handler):
    """Answers people: pages, and sign-in where it is needed."""

    def refuse_stranger(self) -> None:
        """To the sign-in and then on to the same address, query and all; a form to its page.

        A page that was open too long is a stranger's too: its token is of an earlier sign-in.
        """
        if self.request.method in ("GET", "HEAD"):
            self.redirect(self._sign_in())
        else:
            self.redirect(self.form_page(), status=303)

    def _sign_in(self) -> str:
        """Where to sign in, which says what for."""
        url: str = self.get_login_url()
        request = self.asked_for()
        if request is None:
            return url
        return url_concat(url, {OPENS: link_to(request, self.service.providers)})

    def asked_for(self) -> LaunchRequest | None:
        """What the page would launch, where it is one of a link that is understood."""
        return None

    def form_page(self) -> str:
        """Where what a form sent can be sent again."""
        page = urlsplit(self.request.headers.get("Referer", ""))
        ours = page.netloc == self.request.host and page.path.startswith(self.service.prefix)
        return page.path if ours else self.service.prefix

    def show(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        self.finish(self.rendered(template, **values))

    def rendered(self, template: str, **values: Any) -> str:
        """A page, for an answer that is one."""
        xsrf = self.xsrf_token.decode() if self.person else ""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Content-Language", self.language.tag)
        if self.asked_language() or self.own_language:
            self.remember_language()
        return self.service.pages.render(
            template,
            language=self.language,
            person=self.person or self.refused,
            xsrf_token=xsrf,
            nonce=self.nonce,
            address=self.address(),
            **{"announced": self.service.announcement.words(), **values},
        )

    def address(self) -> str:
        """Where this page can be had again, in another language."""
        if self.request.method == "GET":
            return without_language(self.request.uri or "")
        # without what was typed, which may have a password in it
        return Page.form_page(self)

    def remember_language(self) -> None:
        """Keep the answer's language for the pages to come, the Hub's too."""
        remember(self, self.language.tag, self.service.pages.hub_prefix.removesuffix("hub/"))

    def show_failure(self, failure: Failure) -> None:
        self.finish(self.failure_page(failure))

    def failure_page(self, failure: Failure) -> str:
        return self.rendered(
            "error.html",
            title=failure.title,
            ours=failure.status >= 500,
            message=failure.message,
            detail=failure.detail,
            reference=failure.reference,
        )


class ActionPage(Page):
    """A page with forms: does what one asks for and goes on, or shows itself with the refusal."""

    async def post(self, *names: str) -> None:
        try:
            after = await self.act(*names)
        except BinderError as error:
            failure = Failure.of(error, where=type(self).__name__)
            self.set_status(failure.status)
            await self.show_refused(failure)
        else:
            if after is not None:
                self.go_on(after)

    async def act(self, *names: str) -> str | None:
        """Do it; where to go then, relative to the service, unless a page was shown."""
        raise NotImplementedError

    async def show_refused(self, failure: Failure) -> None:
        """Show the page again with what was typed, and why it was refused."""
        raise NotImplementedError


def stale() -> NotAllowed:
    """Why nothing is done for a page that is not signed in any more, or is not ours."""
    return NotAllowed(
        "The page was open too long, or the request did not come from it. Go back, reload and try "
        "again."
    )


def _sign_in() -> NotAllowed:
    return NotAllowed(
        "Sign in first: reload the page or, in a program, send a token of the Hub as "
        "“Authorization: token …”."
    )


def chosen(actions: Mapping[str, T], name: str) -> T:
    """What the field `action` of a form stands for.

    Raises:
        BadLink: nothing.
    """
    if name not in actions:
        raise BadLink("The form was not understood. Reload the page and try again.")
    return actions[name]


class Api(Handler):
    """Answers programs: JSON, never a redirect; other sites only if they are listed."""

    def set_default_headers(self) -> None:
        super().set_default_headers()
        origin = self.request.headers.get("Origin", "")
        allowed = self.service.origins
        if not origin or not allowed:
            return
        self.set_header("Vary", "Origin")
        if "*" in allowed or origin in allowed:
            self.set_header("Access-Control-Allow-Origin", origin)
            self.set_header("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE, OPTIONS")
            self.set_header(
                "Access-Control-Allow-Headers",
                "Authorization, Cache-Control, Content-Type, Last-Event-ID, X-XSRFToken",
            )
            self.set_header("Access-Control-Max-Age", "600")

    async def options(self, *_args: str) -> None:
        self.set_status(204)
        raise Finish

    def json_body(self) -> dict[str, Any]:
        """The object a client sent; empty if it sent nothing.

        Raises:
            BadLink: not a JSON object.
        """
        if not self.request.body:
            return {}
        try:
            body = parse_json(self.request.body) if len(self.request.body) <= _BODY_MAX else None
        except ValueError as error:
            raise BadLink("The request's body is not JSON.") from error
        if not isinstance(body, dict):
            raise BadLink("The request's body must be a JSON object of at most 64 kB.")
        return body
