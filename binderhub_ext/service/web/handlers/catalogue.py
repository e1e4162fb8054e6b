"""The catalogue: its pages, and the same as an API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ....core.catalogue import Listing, check_no_secret, clean, terms
from ....core.errors import BadLink, BinderError, NotFound
from ....core.launch import LaunchRequest
from ...failures import Failure
from ...records.catalogue import PAGE, Search
from ...requests import first
from .. import catalogueviews as views
from ..longlists import around, number_of
from .admin import ForAdministrators
from .base import ActionPage, Api, Handler, Page, chosen

_QUERY_MAX = 200
_SHOWN = ("", "featured", "popular", "mine")
_SAID = ("title", "text", "tags", "group", "picture", "picture_text")
_FIELDS = ("link", *_SAID, "reason")


class CataloguePage(Page):
    """`/catalogue?q=&tag=&show=&page=`."""

    async def get(self) -> None:
        query, prefix = _query(self), self.service.prefix
        found = await _found(self, query)
        self.show(
            "catalogue.html",
            **found,
            **query,
            **around(query, found["page"], found["pages"], f"{prefix}catalogue"),
            tabs=views.tabs(query, _SHOWN, prefix),
            may_publish=self.service.catalogue.may_publish(self.me),
        )


class PublishPage(ActionPage):
    """`/catalogue/publish?link=`: the form, filled in with a link."""

    async def get(self) -> None:
        link = self.get_query_argument("link", "")
        if not link:
            await self._show({})
            return
        try:
            request = self.service.catalogue.read(link, self.service_url)
        except BinderError as error:
            await self.show_refused(Failure.of(error, where="PublishPage"))
            return
        await self._show(views.prefilled(request, self.service_url, self.service.providers))

    async def act(self, *_names: str) -> str:
        request, listing = _typed(self, _values(self))
        row = await self.service.catalogue.publish(self.me, request, listing)
        self.service.catalogue_health.soon()
        return f"catalogue/{row.id}"

    async def show_refused(self, failure: Failure) -> None:
        self.set_status(failure.status)
        await self._show(_shown_again(_values(self)), failure)

    async def _show(self, values: Mapping[str, str], failure: Failure | None = None) -> None:
        self.show(
            "catalogue_publish.html",
            values=values,
            groups=await self.service.catalogue.groups(self.me),
            may_publish=self.service.catalogue.may_publish(self.me),
            may_picture=self.service.catalogue.shows_pictures,
            error=failure.to_json() if failure else None,
        )


class EntryPage(ActionPage):
    """`/catalogue/<id>`: an entry, what its owner can change, and what others can say of it."""

    async def get(self, id: str) -> None:
        await self._show(id)

    async def act(self, *names: str) -> str:
        """Every form of the page; its field `action` says which."""
        action = chosen(_ACTIONS, first(self.fields(), "action"))
        return await action(self, names[0])

    async def show_refused(self, failure: Failure) -> None:
        await self._show(self.path_args[0], failure)

    async def _show(self, id: str, failure: Failure | None = None) -> None:
        row = await self.service.catalogue.get(self.me, id)
        typed = _shown_again(_values(self)) if failure else {}
        groups = await self.service.catalogue.groups(self.me)
        self.show(
            "catalogue_entry.html",
            entry=(await _views(self)).of(row),
            values={**views.form_values(row, self.service_url), **typed},
            # one that is not theirs any more stays until they choose another
            groups=[*groups, *([row.group] if row.group and row.group not in groups else [])],
            may_picture=self.service.catalogue.shows_pictures,
            reported=bool(self.get_query_argument("reported", "")),
            error=failure.to_json() if failure else None,
        )


class PictureFile(Handler):
    """`/catalogue/<id>/picture/<tag>`: a picture out of a stranger's repository, and nothing else.

    Its tag is another one whenever it is another picture.
    """

    async def get(self, id: str, tag: str) -> None:
        row = await self.service.catalogue.get(self.me, id)
        picture = await self.service.catalogue_health.pictures.get(row)
        if tag != row.picture_tag or not self.service.catalogue.shows_pictures:
            raise NotFound("This entry has another picture by now. Reload the page.")
        self.set_header("Content-Type", picture.kind)
        self.set_header("Content-Disposition", "inline")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "private, max-age=604800, immutable")
        self.write(picture.data)


class CatalogueApi(Api):
    """`/api/catalogue`: what is in it, and publishing: `{"link", "title", "text", "tags", …}`."""

    async def get(self) -> None:
        self.write(await _found(self, _query(self)))

    async def post(self) -> None:
        request, listing = _typed(self, _said(self))
        row = await self.service.catalogue.publish(self.me, request, listing)
        self.service.catalogue_health.soon()
        self.set_status(201)
        self.set_header("Location", f"{self.service.prefix}api/catalogue/{row.id}")
        self.write((await _views(self)).of(row))


class EntryApi(Api):
    """`/api/catalogue/<id>`: one; its owner changes and withdraws it."""

    async def get(self, id: str) -> None:
        row = await self.service.catalogue.get(self.me, id)
        self.write((await _views(self)).of(row))

    async def patch(self, id: str) -> None:
        row = await self.service.catalogue.get(self.me, id)
        values = {**views.form_values(row, ""), **_said(self)}
        request, listing = _typed(self, values)
        row = await self.service.catalogue.edit(self.me, id, request, listing)
        self.service.catalogue_health.soon()
        self.write((await _views(self)).of(row))

    async def delete(self, id: str) -> None:
        await self.service.catalogue.withdraw(self.me, id)
        self.write({})


class ReportsApi(Api):
    """`/api/catalogue/<id>/reports`: `{"reason": …}`."""

    async def post(self, id: str) -> None:
        await self.service.catalogue.report(self.me, id, _said(self).get("reason", ""))
        self.set_status(201)
        self.write({})


class MarksApi(ForAdministrators, Api):
    """`/api/admin/catalogue/<id>`: `{"hidden", "featured": true or false, "reports": "done"}`."""

    async def post(self, id: str) -> None:
        body, catalogue = self.json_body(), self.service.catalogue
        marks = (body.get(name) for name in ("hidden", "featured"))
        if any(mark is not None and not isinstance(mark, bool) for mark in marks):
            raise BadLink("“hidden” and “featured” must be true or false.")
        if body.get("hidden") is not None:
            await catalogue.hide(self.me, id, hidden=body["hidden"])
        if body.get("featured") is not None:
            await catalogue.feature(self.me, id, featured=body["featured"])
        if body.get("reports") == "done":
            await catalogue.dismiss(self.me, id)
        self.write((await _views(self)).of(await catalogue.get(self.me, id)))


# ---- what is looked for, and what was typed


def _query(handler: Handler) -> dict[str, str]:
    asked = {name: handler.get_query_argument(name, "") for name in ("q", "tag", "show")}
    asked = {name: clean(value)[:_QUERY_MAX] for name, value in asked.items()}
    return {**asked, "show": asked["show"] if asked["show"] in _SHOWN else ""}


async def _found(handler: Handler, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of entries; one after the last shows none."""
    page = number_of(handler.get_query_argument("page", ""))
    show = query["show"]
    search = Search(
        terms=terms(query["q"]),
        tag=query["tag"].casefold(),
        featured=show == "featured",
        popular=show == "popular",
        mine=show == "mine",
    )
    rows, total = await handler.service.catalogue.find(handler.me, search, page)
    shown, last = await _views(handler), max(-(-total // PAGE), 1)
    return {"entries": [*map(shown.of, rows)], "total": total, "page": page, "pages": last}


async def _views(handler: Handler) -> views.EntryViews:
    service = handler.service
    images = await service.catalogue_health.environments()
    return views.EntryViews(service.catalogue, handler.me, images, service.prefix)


def _typed(handler: Handler, values: Mapping[str, str]) -> tuple[LaunchRequest, Listing]:
    listing = Listing.read(*(values.get(name, "") for name in _SAID))
    return handler.service.catalogue.read(values.get("link", ""), handler.service_url), listing


def _values(handler: Handler) -> dict[str, str]:
    """What a form sent; in its address, only a link."""
    if handler.request.method == "GET":
        return {"link": handler.get_query_argument("link", "")}
    fields = handler.fields()
    return {name: first(fields, name) for name in _FIELDS if name in fields}


def _shown_again(values: Mapping[str, str]) -> Mapping[str, str]:
    """What was typed, without a link that has a secret in it."""
    try:
        check_no_secret(values.get("link", ""))
    except BadLink:
        return {**values, "link": ""}
    return values


def _said(handler: Api) -> dict[str, str]:
    """What a program sent; tags are text, or a list of it."""
    body = handler.json_body()
    if isinstance(tags := body.get("tags"), list):
        body["tags"] = " ".join(map(str, tags))
    said = {name: body[name] for name in _FIELDS if body.get(name) is not None}
    for name, value in said.items():
        if not isinstance(value, str):
            raise BadLink("“{name}” must be text.", name=name)
    return said


# ---- what each form of an entry's page does


async def _edit(page: EntryPage, id: str) -> str:
    request, listing = _typed(page, _values(page))
    await page.service.catalogue.edit(page.me, id, request, listing)
    page.service.catalogue_health.soon()
    return f"catalogue/{id}"


async def _withdraw(page: EntryPage, id: str) -> str:
    await page.service.catalogue.withdraw(page.me, id)
    return "catalogue?show=mine"


async def _report(page: EntryPage, id: str) -> str:
    await page.service.catalogue.report(page.me, id, first(page.fields(), "reason"))
    return f"catalogue/{id}?reported=yes"


_ACTIONS: dict[str, Callable[[EntryPage, str], Awaitable[str]]] = {
    "edit": _edit,
    "withdraw": _withdraw,
    "report": _report,
}
