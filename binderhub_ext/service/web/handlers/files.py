"""The page *Files* and the same as an API: projects, volumes and the trash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from ....core.projects import PROJECTS
from ...failures import Failure
from ...hub import Person
from ...requests import first
from ..context import Service
from ..fileviews import folder_view, overview_view, trash_view
from .base import ActionPage, Api, Handler, Page, chosen
from .pace import send_as_made


class FilesPage(ActionPage):
    """`/files`: my projects and volumes with what they take, and my trash."""

    async def get(self) -> None:
        await self._show()

    async def act(self, *_names: str) -> str:
        """Every form of the page; its field `action` says which."""
        action = chosen(_ACTIONS, first(self.fields(), "action"))
        await action(self.service, self.me, first(self.fields(), "id"))
        return "files"

    async def show_refused(self, failure: Failure) -> None:
        await self._show(failure)

    async def _show(self, failure: Failure | None = None) -> None:
        self.show("files.html", **await _all(self), error=failure.to_json() if failure else None)


class ProjectZip(Page):
    """`/files/<owner>/<name>.zip`: all of a project, as it is now."""

    async def get(self, id: str) -> None:
        name = quote(f"{PurePosixPath(id).name}.zip", safe="")
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        pieces = self.service.files.zipped(self.me, f"{PROJECTS}/{id}")
        async with aclosing(pieces):
            await send_as_made(self, pieces)


class FilesApi(Api):
    """`/api/files`: everything the page shows."""

    async def get(self) -> None:
        self.write(await _all(self))


class ProjectsApi(Api):
    """`/api/projects`: mine."""

    async def get(self) -> None:
        projects = await self.service.files.projects(self.me)
        prefix = self.service.prefix
        self.write({"projects": [folder_view(project, prefix) for project in projects]})


class ProjectApi(Api):
    """`/api/projects/<owner>/<name>`: to the trash."""

    async def delete(self, id: str) -> None:
        trashed = await self.service.files.delete_project(self.me, f"{PROJECTS}/{id}")
        self.write({"trashed": trashed.id})


class TrashApi(Api):
    """`/api/trash`: what I deleted, and when it will be gone."""

    async def get(self) -> None:
        trash = await self.service.files.trash(self.me)
        self.write({"trash": [trash_view(thing) for thing in trash]})


class TrashRestore(Api):
    """`/api/trash/<id>/restore`."""

    async def post(self, id: str) -> None:
        self.write({"restored": await self.service.files.restore(self.me, id)})


class TrashedApi(Api):
    """`/api/trash/<id>`: removing it for good."""

    async def delete(self, id: str) -> None:
        await self.service.files.remove(self.me, id)
        self.write({})


async def _all(handler: Handler) -> dict[str, Any]:
    service = handler.service
    overview = await service.files.overview(handler.me)
    return overview_view(overview, service.space.limits, service.prefix)


_ACTIONS: dict[str, Callable[[Service, Person, str], Awaitable[object]]] = {
    "delete-project": lambda service, me, id: service.files.delete_project(me, f"{PROJECTS}/{id}"),
    "delete-volume": lambda service, me, id: service.volumes.delete(me, id),
    "restore": lambda service, me, id: service.files.restore(me, id),
    "remove": lambda service, me, id: service.files.remove(me, id),
}
