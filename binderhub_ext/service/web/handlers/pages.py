"""Pages: the main page with its form, a launch, settings, and what is not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import HTTPError, StaticFileHandler

from ....core.beginnings import beginnings
from ....core.errors import BadLink, HubUnavailable, NotAllowed, NotFound
from ....core.links import secrets_of, write_link
from ....core.notebooks import read_notebook
from ....core.plain import plain
from ....core.shipped import EMPTY, SHIPPED
from ....core.updates import Keep
from ...failures import Failure
from ...launching.orders import LaunchOrder
from ...requests import (
    NAMES,
    PASTED,
    Fields,
    brought,
    first,
    form_of,
    further_fields,
    read_own_link,
)
from .. import views, volumeform
from ..fileviews import home_view
from ..trusting import asks_first, trust
from .api import order_of
from .base import ActionPage, Guarded, Page, chosen
from .worklists import Part, Work, list_values

RETURNED = "returned"
"""In the address of the form: it was sent when its page was no longer signed in."""

_QUERY_MAX = 6000
_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
"""No other host, and nothing that a browser would take for one."""
_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
"""What stands before the host of an address; shown to nobody, not even whoever typed it."""


def _signed_out() -> NotAllowed:
    return NotAllowed(
        "You were signed out meanwhile, and nothing was launched. Look it over and launch again."
    )


class Home(Page):
    """`/`: the form, my servers, my projects."""

    async def get(self) -> None:
        fields = self.query_fields()
        returned = Failure.of(_signed_out(), where="Home") if RETURNED in fields else None
        self.service.classes.came(self.me)
        await show_home(self, brought(fields, self.service.providers), returned)


class FilledForm(Page):
    """`/form?link=`: the main page's form alone, with all a link means in it."""

    async def get(self) -> None:
        # An address could bring people to a form that says what its writer chose. No address
        # sends a header.
        if "X-XSRFToken" not in self.request.headers:
            self.redirect(self.service.prefix)
            return
        fields = volumeform.joined(self.query_fields())
        self.show("_form.html", **await form_values(self, fields))


class Lists(Page):
    """`/lists`: the lists of the main page alone, as things are now."""

    async def get(self) -> None:
        work = await Work.ask(self.service, self.me)
        self.show("_lists.html", **await list_values(self, work, Part.asked(self)))


class LaunchForm(ActionPage):
    """`/launch`: the form's POST; the only way a page starts anything."""

    def form_page(self) -> str:
        """The form, or the page that asks, with all that was typed or asked."""
        prefix, providers = self.service.prefix, self.service.providers
        fields = volumeform.joined(self.fields())
        with suppress(BadLink):
            request = read_own_link(first(fields, "link"), providers)
            return prefix + write_link(request, providers=providers)
        typed = {name: fields[name] for name in NAMES if any(fields.get(name, ()))}
        query = urlencode({**typed, RETURNED: "yes"}, doseq=True)
        return f"{prefix}?{query}" if len(query) < _QUERY_MAX else prefix

    async def act(self, *_names: str) -> str:
        service, fields = self.service, volumeform.joined(self.fields())
        order = self._with_notebook(order_of(self, fields, keep=None))
        if asks_first(service, fields, order.request):
            return write_link(order.request, providers=service.providers)
        state = await service.launches.start(order)
        if first(fields, "trust") == "yes":
            await trust(service, self.me, order.request, order.told)
        return views.path_of(state.id)

    def _with_notebook(self, order: LaunchOrder) -> LaunchOrder:
        """An order with the notebook file that came with it; nothing is asked then."""
        for file in self.request.files.get("notebook", ()):
            if order.request.repo != SHIPPED.repo(EMPTY) or not self.service.takes_notebooks:
                raise BadLink("A notebook file can only be put into the project “scratch” here.")
            notebook = read_notebook(file.filename, file.body)
            return replace(order, notebook=notebook, keep=Keep.BOTH)
        return order

    async def show_refused(self, failure: Failure) -> None:
        fields = volumeform.joined(self.fields())
        await show_home(self, fields, failure)


class WorkForm(ActionPage):
    """`/work`: how the main page has a project; a form's POST."""

    async def act(self, *_names: str) -> str:
        fields, service = self.fields(), self.service
        project = first(fields, "project")
        action = chosen(_ON_PROJECT, first(fields, "action"))
        if project not in {row.project for row in await service.records.projects(self.me.name)}:
            raise NotFound("There is no such project of yours. Reload the page.")
        await service.choices.show(self.me.name, project, **action(fields))
        service.news.tell(self.me.name)
        return Part.asked(self).query

    async def show_refused(self, failure: Failure) -> None:
        await show_home(self, {}, failure)


def _renamed(fields: Fields) -> dict[str, str | bool]:
    title = " ".join(first(fields, "title").split())
    return {"title": plain(title, "name", _TITLE_MAX) if title else ""}


_TITLE_MAX = 120
_ON_PROJECT: Mapping[str, Callable[[Fields], dict[str, str | bool]]] = {
    "pin": lambda _fields: {"pinned": True},
    "unpin": lambda _fields: {"pinned": False},
    "rename": _renamed,
}


class LaunchPage(Page):
    """`/launches/<id>`."""

    async def get(self, id: str) -> None:
        state = await self.service.launches.get(self.me, id)
        view = views.launch_view(state, self.service.prefix)
        self.show("launch.html", launch=view, hub_host=self.request.host)


class ChosenLanguage(Page):
    """`/language?lang=&next=`: remember a language and go back to a page of this host.

    For whoever is signed in also in other browsers; no page of another site chooses that.
    """

    public = True

    async def get(self) -> None:
        self.remember_language()
        with suppress(HubUnavailable):
            await self.find_person()
        if self.person and self.asked_by_us():
            await self.service.choices.speak(self.person.name, self.language.tag)
        self.redirect(self._back(), status=303)

    def _back(self) -> str:
        """Where they were, if that is a path of this host."""
        path = self.get_query_argument("next", "")
        local = path.startswith(self.service.pages.hub_prefix.removesuffix("hub/"))
        return path if local and _PATH.fullmatch(path) else self.service.prefix


class Settings(Page):
    """`/settings`: whom I trust."""

    async def get(self) -> None:
        rows = await self.service.records.all_trusted(self.me.name)
        stored = await self.service.credentials.stored(self.me.name)
        mine = await self.service.secrets.mine(self.me.name)
        self.show(
            "settings.html",
            trusted=[views.trust_view(row) for row in rows],
            credentials=[views.credential_view(each) for each in stored],
            gives_secrets=self.service.secrets.usable,
            secrets=[views.secret_view(each) for each in mine],
        )


class Revoke(Page):
    """`/settings/trust/<id>/revoke`."""

    async def post(self, id: str) -> None:
        await self.service.records.revoke(self.me.name, id)
        self.go_on("settings")


class NotFoundPage(Page):
    """Every address that is nothing, for those who are signed in and for others."""

    async def prepare(self) -> None:
        await super().prepare()
        raise HTTPError(404)

    def refuse_stranger(self) -> None:
        """Nothing: there is nothing to sign in for."""


class OAuthCallback(Page, HubOAuthCallbackHandler):
    """Where the Hub sends people back after signing in."""

    public = True


class Static(Guarded, StaticFileHandler):
    """Our own stylesheets, scripts and pictures; nothing secret in them."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")


async def show_home(
    page: Page,
    fields: Fields,
    failure: Failure | None = None,
    share_refused: Mapping[str, str | int] | None = None,
) -> None:
    """The main page with all that was typed still in the form.

    Args:
        page: answers.
        fields: what stands in the form.
        failure: why it was refused.
        share_refused: what was typed to let somebody into a server, and why that was refused.
    """
    service = page.service
    work = await Work.ask(service, page.me)
    page.show(
        "home.html",
        error={**failure.to_json(), "field": failure.field} if failure else None,
        home=home_view(await service.space.home(page.me.name), full=await service.space.full()),
        **await form_values(page, fields, work.hub.member.groups),
        **await list_values(page, work, Part.asked(page), share_refused or {}),
        warnings=[*service.warnings, *await service.limits.warnings(page.me)],
        teaches=await service.teachers.teaches(page.me),
        beginnings=beginnings(service.policy, service.providers),
        takes_notebooks=service.takes_notebooks,
    )


async def form_values(
    page: Page, fields: Fields, groups: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """What the form's template takes, besides an error.

    Args:
        fields: what stands in the form.
        groups: those the person is in, where the Hub was asked just now.
    """
    service, shown = page.service, shown_fields(page, fields)
    lacking = service.builder.targets_lacking()
    volumes = await service.volumes.mine(page.me, groups)
    service.volumes.measure(volumes)
    sizes = service.policy.of(page.me.groups).sizes
    return {
        "values": {name: first(shown, name) for name in NAMES},
        "further": further_fields(shown),
        "targets": [
            {"name": target.name, "title": target.title}
            for target in service.targets.values()
            if target.name not in lacking
        ],
        "sizes": list(sizes),
        "figures": service.costs.figures(sizes),
        "costs": service.costs.of_sizes(sizes),
        "images": bool(service.policy.images),
        "allowed_files": [str(files) for files in service.policy.files],
        "shares": shown.get("share", ()),
        "contents": shown.get("content", ()),
        "secrets": views.secret_choices(
            await service.secrets.mine(page.me.name),
            *_asked_and_ticked(page, fields, shown),
        )
        if service.secrets.usable
        else [],
        **volumeform.chooser(volumes, shown),
    }


def _asked_and_ticked(
    page: Page, fields: Fields, shown: Fields
) -> tuple[Sequence[str], Sequence[str]]:
    """Names of secrets that whatever filled in the form asks for, and that its person ticked.

    Whoever wrote an address could have written a tick: only what the form itself sent counts.
    """
    if page.request.method != "POST":
        return shown.get("secrets", ()), ()
    return secrets_of(first(fields, "link")), fields.get("secrets", ())


def shown_fields(page: Page, fields: Fields) -> Fields:
    """What stands in the form: as one of our links says, and on top of it as typed."""
    typed = {name: values for name, values in fields.items() if any(values) and name != "link"}
    if "repo" in typed:
        typed["repo"] = [_PASSWORD.sub("", first(typed, "repo"))]
    if not (link := first(fields, "link")):
        return typed
    try:
        request = read_own_link(link, page.service.providers)
    except BadLink:
        return typed
    return {**form_of(request, page.service.providers), PASTED: [link], **typed}
