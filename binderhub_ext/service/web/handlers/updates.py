"""What an update of a project would change: the page, and the same as JSON."""

from __future__ import annotations

from typing import Any

from ...requests import first
from .. import views
from .base import Api, Handler, Page


class UpdatePage(Page):
    """`/update?project=<folder>`: shows it; its button launches. POST fetches what is not here."""

    async def get(self) -> None:
        preview = await self.service.updates.preview(self.me, project_of(self))
        self.show("update.html", preview=views.preview_view(preview, self.service.prefix))

    async def post(self) -> None:
        project = first(self.fields(), "project")
        await self.service.updates.fetch(self.me, project)
        self.redirect(views.update_url(self.service.prefix, project), status=303)


class UpdateApi(Api):
    """`/api/update?project=<folder>`."""

    async def get(self) -> None:
        await self._answer(project_of(self))

    async def post(self) -> None:
        project = str(self.json_body().get("project", ""))
        await self.service.updates.fetch(self.me, project)
        await self._answer(project)

    async def _answer(self, project: str) -> None:
        preview: dict[str, Any] = views.preview_view(
            await self.service.updates.preview(self.me, project), self.service.prefix
        )
        self.write(preview)


def project_of(handler: Handler) -> str:
    """The folder a request is about, as `Launch.project` has it."""
    return first(handler.query_fields(), "project")
