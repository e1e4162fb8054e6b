"""A launch for a class: its link on a wall, what prepares it, and who opened it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ....core.errors import NotAllowed, NotFound
from ....core.links import write_link
from ....core.sharees import Sharee
from ...failures import Failure
from ...launching.launchstate import State
from ...requests import Fields, first, read_fields, read_own_link
from .. import classviews, views, volumeform
from .api import answer_started, order_of, texts
from .base import ActionPage, Api, Handler, Page, chosen
from .streams import EventStream

_PAUSE = 2.0
"""Seconds between two messages to a page of a class: two hundred people do much at once."""

_STOPS = "delete:servers"


async def prepare(handler: Handler, fields: Fields) -> State:
    """Build what a link launches and get it to where servers run; start nothing."""
    order = replace(order_of(handler, fields), build_only=True, prepull=True)
    return await handler.service.launches.start(order)


async def seen(handler: Handler, id: str) -> dict[str, Any]:
    """A class with who opened its link, for its teachers."""
    service = handler.service
    taught = await service.teachers.get(handler.me, id)
    people, untold = await service.teaching.attendance(taught)
    return {
        "one": classviews.class_view(taught.row, handler.service_url, service.prefix),
        **classviews.teachers_view(taught, service.teachers.groups),
        **classviews.attendance_view(people, untold),
    }


async def stop(handler: Handler, id: str) -> int:
    """Stop all of a class; how many there were.

    Raises:
        NotAllowed: asked with a token that may not stop so much as its own person's servers. What
            students lend a teacher is not lent to it.
    """
    scopes = (handler.current_user or {}).get("scopes") or ()
    if not {_STOPS, f"{_STOPS}!user={handler.me.name}"}.intersection(scopes):
        raise NotAllowed(
            "This token may not stop servers. Sign in, or use a token with the scope “servers”."
        )
    return await handler.service.teaching.stop(handler.me, id)


# ---- pages


class ClassesPage(ActionPage):
    """`/classes?link=`: one of our own links for a class; and mine."""

    async def get(self) -> None:
        await self._show(first(self.query_fields(), "link"))

    async def act(self, *_names: str) -> str:
        fields = volumeform.joined(self.fields())
        action = chosen(_ON_LINK, first(fields, "action"))
        return await action(self, fields)

    async def show_refused(self, failure: Failure) -> None:
        await self._show(first(self.fields(), "link"), failure)

    async def _show(self, link: str, failure: Failure | None = None) -> None:
        service = self.service
        base, prefix, providers = self.service_url, service.prefix, service.providers
        shown = None
        if link:
            request = read_own_link(link, providers)
            shown = classviews.link_view(request, base, prefix, providers)
        self.show(
            "classes.html",
            link=shown,
            teaches=await service.teachers.teaches(self.me),
            me=self.me.name,
            classes=[
                classviews.class_view(row, base, prefix)
                for row in await service.teachers.mine(self.me)
            ],
            error=failure.to_json() if failure else None,
            typed=first(self.fields(), "title"),
        )


async def _show(page: ClassesPage, fields: Fields) -> str:
    providers = page.service.providers
    request = replace(read_fields(fields, providers), class_id="", secrets=())
    return f"classes?{urlencode({'link': write_link(request, providers=providers)})}"


async def _begin(page: ClassesPage, fields: Fields) -> str:
    request = read_fields(fields, page.service.providers)
    row = await page.service.teaching.begin(page.me, request, first(fields, "title"))
    return f"class/{row.id}"


async def _prepare(page: ClassesPage, fields: Fields) -> str:
    return views.path_of((await prepare(page, fields)).id)


_ON_LINK = {"show": _show, "begin": _begin, "prepare": _prepare}


class ClassPage(ActionPage):
    """`/class/<id>`: a class, for its teachers."""

    async def get(self, id: str) -> None:
        self.show("class.html", error=None, typed={}, **await seen(self, id))

    async def act(self, *names: str) -> str:
        fields = self.fields()
        action = chosen(_ON_ONE, first(fields, "action"))
        await action(self, names[0], fields)
        return f"class/{names[0]}"

    async def show_refused(self, failure: Failure) -> None:
        typed = {name: first(self.fields(), name) for name in ("user", "group")}
        view = await seen(self, self.path_args[0])
        self.show("class.html", error=failure.to_json(), typed=typed, **view)


async def _stop(page: ClassPage, id: str, _fields: Fields) -> None:
    await stop(page, id)


async def _end(page: ClassPage, id: str, _fields: Fields) -> None:
    await page.service.teaching.end(page.me, id)


async def _rename(page: ClassPage, id: str, fields: Fields) -> None:
    await page.service.teaching.rename(page.me, id, first(fields, "title"))


async def _name(page: ClassPage, id: str, fields: Fields) -> None:
    who = Sharee.named(first(fields, "user"), first(fields, "group"))
    await page.service.teachers.name(page.me, id, who)


async def _unname(page: ClassPage, id: str, fields: Fields) -> None:
    await page.service.teachers.unname(page.me, id, first(fields, "teacher"))


_ON_ONE = {"stop": _stop, "end": _end, "rename": _rename, "name": _name, "unname": _unname}


class ClassList(Page):
    """`/class/<id>/list`: its list alone, as things are now."""

    async def get(self, id: str) -> None:
        self.show("_class.html", **await seen(self, id))


class ClassPoster(Page):
    """`/class/<id>/qr`: its link, to be read from the back of a room."""

    async def get(self, id: str) -> None:
        row = await self.service.teaching.find(id)
        self.show("qr.html", **classviews.poster(f"{self.service_url}c/{row.id}", title=row.title))


class LinkPoster(Page):
    """`/qr?link=`: the same of one of our own links."""

    async def get(self) -> None:
        request = read_own_link(first(self.query_fields(), "link"), self.service.providers)
        view = classviews.link_view(
            request, self.service_url, self.service.prefix, self.service.providers
        )
        repo = request.repo.name if request.repo else request.image
        self.show("qr.html", **classviews.poster(view["url"], repo=repo))


class ClassLink(Page):
    """`/c/<id>`: what a class is given; leads to the page that asks, as any link does."""

    public = True

    async def get(self, id: str) -> None:
        self.service.bans.check(self.request.remote_ip)
        row = await self.service.teaching.find(id)
        sign = "&" if "?" in row.link else "?"
        self.redirect(f"{self.service.prefix}{row.link}{sign}class={row.id}")


# ---- API


class ClassesApi(Api):
    """`/api/classes`: mine, and beginning one."""

    async def get(self) -> None:
        rows = await self.service.teachers.mine(self.me)
        self.write({"classes": [self._view(row) for row in rows]})

    async def post(self) -> None:
        fields = texts(self.json_body())
        request = read_fields(fields, self.service.providers)
        row = await self.service.teaching.begin(self.me, request, first(fields, "title"))
        self.set_status(201)
        self.write(self._view(row))

    def _view(self, row: Any) -> dict[str, Any]:
        return classviews.class_view(row, self.service_url, self.service.prefix)


class ClassApi(Api):
    """`/api/classes/<id>`: who opened its link."""

    async def get(self, id: str) -> None:
        view = await seen(self, id)
        self.write({**view.pop("one"), **view})


class ClassStop(Api):
    """`/api/classes/<id>/stop`: every server of it."""

    async def post(self, id: str) -> None:
        stopped = await stop(self, id)
        self.set_status(202)
        self.write({"stopped": stopped})


class ClassEnd(Api):
    """`/api/classes/<id>/end`: its list grows no more."""

    async def post(self, id: str) -> None:
        await self.service.teaching.end(self.me, id)
        self.write({})


class ClassTeachers(Api):
    """`/api/classes/<id>/teachers`: naming one: `{"user" or "group": …}`."""

    async def post(self, id: str) -> None:
        body = texts(self.json_body())
        who = Sharee.named(first(body, "user"), first(body, "group"))
        await self.service.teachers.name(self.me, id, who)
        self.set_status(201)
        self.write(await _teachers(self, id))


class ClassTeacher(Api):
    """`/api/classes/<id>/teachers/<naming>`: taking it back."""

    async def delete(self, id: str, named: str) -> None:
        await self.service.teachers.unname(self.me, id, named)
        self.write(await _teachers(self, id))


async def _teachers(handler: Handler, id: str) -> dict[str, Any]:
    taught = await handler.service.teachers.get(handler.me, id)
    return {"teachers": classviews.teachers_view(taught)["teachers"]}


class ClassEvents(EventStream):
    """`/api/classes/<id>/events`: a message whenever something in `api/classes/<id>` changed.

    It ends for whoever may not see that any more.
    """

    async def get(self, id: str) -> None:
        await self.service.teachers.get(self.me, id)
        self.open_stream()
        with suppress(NotAllowed, NotFound):
            still = partial(self.service.teachers.get, self.me, id)
            await self.wake(self.service.classes.news, id, pause=_PAUSE, still=still)


class PrepareApi(Api):
    """`/api/prepare`: a launch that ends with the environment, and starts nothing."""

    async def post(self) -> None:
        state = await prepare(self, texts(self.json_body()))
        answer_started(self, state)
