"""Pages: the main page with its form, a launch, settings, and what is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado.web import HTTPError, StaticFileHandler

from ....core.errors import BadLink, BinderError
from ...failures import Failure
from ...requests import NAMES, Fields, first, form_of, further_fields, read_own_link
from .. import views, volumeform
from ..confirmation import trust
from ..fileviews import home_view
from .api import order_of, servers_of
from .base import ActionPage, Guarded, Page

_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
"""What stands before the host of an address; shown to nobody, not even whoever typed it."""


class Home(Page):
    """`/`: the form, my servers, my projects."""

    async def get(self) -> None:
        await show_home(self, self.query_fields())


class LaunchForm(ActionPage):
    """`/launch`: the form's POST; the only way a page starts anything."""

    async def act(self, *_names: str) -> str:
        fields = volumeform.joined(self.fields())
        order = order_of(self, fields, keep=None)
        state = await self.service.launches.start(order)
        if first(fields, "trust") == "yes":
            await trust(self.service, self.me, order.request)
        return views.path_of(state.id)

    async def show_refused(self, failure: Failure, error: BinderError) -> None:
        fields = volumeform.joined(self.fields())
        await show_home(self, fields, failure, getattr(error, "field", ""))


class LaunchPage(Page):
    """`/launches/<id>`."""

    async def get(self, id: str) -> None:
        state = await self.service.launches.get(self.me, id)
        view = views.launch_view(state, self.service.prefix)
        self.show("launch.html", launch=view, hub_host=self.request.host)


class Settings(Page):
    """`/settings`: whom I trust."""

    async def get(self) -> None:
        rows = await self.service.records.all_trusted(self.me.name)
        stored = await self.service.credentials.stored(self.me.name)
        self.show(
            "settings.html",
            trusted=[views.trust_view(row) for row in rows],
            credentials=[views.credential_view(each) for each in stored],
        )


class Revoke(Page):
    """`/settings/trust/<id>/revoke`."""

    async def post(self, id: str) -> None:
        await self.service.records.revoke(self.me.name, id)
        self.redirect(self.service.prefix + "settings", status=303)


class NotFoundPage(Page):
    """Every address that is nothing."""

    public = True

    async def prepare(self) -> None:
        raise HTTPError(404)


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
    field: str = "",
    share_refused: Mapping[str, str | int] | None = None,
) -> None:
    """The main page with all that was typed still in the form.

    Args:
        page: answers.
        fields: what stands in the form.
        failure: why it was refused.
        field: which of its fields is to blame; empty for none.
        share_refused: what was typed to let somebody into a server, and why that was refused.
    """
    service, shown = page.service, shown_fields(page, fields)
    projects = await service.records.projects(page.me.name)
    recent = await service.launches.recent(page.me)
    volumes = await service.volumes.mine(page.me)
    service.volumes.measure(volumes)
    page.show(
        "home.html",
        values={name: first(shown, name) for name in NAMES},
        further=further_fields(shown),
        error={**failure.to_json(), "field": field} if failure else None,
        targets=[{"name": t.name, "title": t.title} for t in service.targets.values()],
        sizes=list(service.policy.sizes),
        images=bool(service.policy.images),
        allowed_files=[str(files) for files in service.policy.files],
        launches=[views.launch_view(s, service.prefix) for s in recent if not s.finished],
        shares=shown.get("share", ()),
        servers=await servers_of(page),
        shared=[views.shared_view(one) for one in await service.shares.received(page.me)],
        share_refused=share_refused or {},
        projects=[views.project_view(row) for row in projects],
        home=home_view(await service.space.home(page.me.name), full=await service.space.full()),
        **volumeform.chooser(volumes, shown),
        **service.home,
    )


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
    return {**form_of(request, page.service.providers), **typed}
