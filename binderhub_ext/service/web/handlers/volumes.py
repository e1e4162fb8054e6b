"""The page *Shared volumes* and the same as an API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from ....core.errors import BadLink
from ....core.launch import Access
from ...failures import Failure
from ...hub import Person
from ...requests import first
from .. import views
from ..context import Service
from .base import ActionPage, Api, Handler, chosen

Values = Mapping[str, str]


class VolumesPage(ActionPage):
    """`/volumes`: what I may use, whom I let use mine, what I deleted."""

    async def get(self) -> None:
        await self._show()

    async def act(self, *_names: str) -> str:
        """Every form of the page; its field `action` says which."""
        values = self._values()
        await chosen(_ACTIONS, values.get("action", ""))(self.service, self.me, values)
        return "volumes"

    async def show_refused(self, failure: Failure) -> None:
        await self._show(failure, self._values())

    def _values(self) -> Values:
        return {name: first(self.fields(), name) for name in self.request.body_arguments}

    async def _show(self, failure: Failure | None = None, values: Values | None = None) -> None:
        mine = await self.service.volumes.mine(self.me)
        self.show(
            "volumes.html",
            **await _listed(self),
            limit=self.service.volumes.limit,
            owned=sum(access.owned for access in mine),
            error=failure.to_json() if failure else None,
            values=values or {},
        )


class VolumesApi(Api):
    """`/api/volumes`: mine, and making one: `{"name": …}`."""

    async def get(self) -> None:
        self.write(await _listed(self))

    async def post(self) -> None:
        volume = await self.service.volumes.create(self.me, _text(self, "name"))
        self.set_status(201)
        self.set_header("Location", f"{self.service.prefix}api/volumes/{volume.id}")
        await _answer(self, volume.id)


class VolumeApi(Api):
    """`/api/volumes/<id>`: one of mine; renaming `{"name": …}`, handing over `{"owner": …}`."""

    async def get(self, id: str) -> None:
        await _answer(self, id)

    async def post(self, id: str) -> None:
        if name := _text(self, "name"):
            await self.service.volumes.rename(self.me, id, name)
        if owner := _text(self, "owner"):
            await self.service.volumes.hand_over(self.me, id, owner)
        await _answer(self, id)

    async def delete(self, id: str) -> None:
        trashed = await self.service.volumes.delete(self.me, id)
        self.write({"trashed": trashed.id})


class VolumeMembers(Api):
    """`/api/volumes/<id>/members`: `{"user" or "group": …, "access": "ro", "rw" or ""}`."""

    async def post(self, id: str) -> None:
        values = {name: _text(self, name) for name in ("user", "group", "access")}
        await _give(self.service, self.me, {"id": id, **values})
        await _answer(self, id)


class VolumeLeave(Api):
    """`/api/volumes/<id>/leave`."""

    async def post(self, id: str) -> None:
        await self.service.volumes.leave(self.me, id)
        self.write({})


class VolumeRestore(Api):
    """`/api/volumes/trash/<id>/restore`."""

    async def post(self, trashed: str) -> None:
        volume = await self.service.volumes.restore(self.me, trashed)
        await _answer(self, volume.id)


Action = Callable[[Service, Person, Values], Awaitable[object]]


async def _give(service: Service, me: Person, values: Values) -> None:
    access = values.get("access", "")
    if access not in ("", "none", *Access):
        raise BadLink("Access is “ro”, “rw” or empty for none.")
    await service.volumes.give(
        me,
        values["id"],
        user=values.get("user", ""),
        group=values.get("group", ""),
        access=Access(access) if access in tuple(Access) else None,
    )


_ACTIONS: dict[str, Action] = {
    "create": lambda service, me, values: service.volumes.create(me, values.get("name", "")),
    "rename": lambda service, me, values: service.volumes.rename(
        me, values.get("id", ""), values.get("name", "")
    ),
    "give": _give,
    "hand-over": lambda service, me, values: service.volumes.hand_over(
        me, values.get("id", ""), values.get("user", "")
    ),
    "leave": lambda service, me, values: service.volumes.leave(me, values.get("id", "")),
    "delete": lambda service, me, values: service.volumes.delete(me, values.get("id", "")),
    "restore": lambda service, me, values: service.volumes.restore(me, values.get("id", "")),
}


async def _listed(handler: Handler) -> dict[str, object]:
    volumes, me = handler.service.volumes, handler.me
    mine = await volumes.mine(me)
    volumes.measure(mine)
    deleted = await volumes.deleted(me)
    return {
        "volumes": [views.volume_view(access) for access in mine],
        "deleted": [views.deleted_view(trashed, volume) for trashed, volume in deleted],
    }


async def _answer(handler: Api, id: str) -> None:
    """One volume as it is now."""
    mine = await handler.service.volumes.get(handler.me, id)
    handler.write(views.volume_view(mine))


def _text(handler: Api, name: str) -> str:
    value = handler.json_body().get(name) or ""
    if not isinstance(value, str):
        raise BadLink("“{name}” must be text.", name=name)
    return value.strip()
