"""The part of the settings page where people store tokens for private repositories."""

from __future__ import annotations

from ...requests import first
from .base import Page


class StoreCredential(Page):
    """`/settings/credentials`: keep a token; the answer never has it in it."""

    async def post(self) -> None:
        fields = self.fields()
        host, user, token = (first(fields, name) for name in ("host", "user", "token"))
        await self.service.credentials.store(self.me.name, host, user, token)
        self.redirect(self.service.prefix + "settings#credentials-title", status=303)


class RemoveCredential(Page):
    """`/settings/credentials/<id>/remove`."""

    async def post(self, id: str) -> None:
        await self.service.credentials.remove(self.me.name, id)
        self.redirect(self.service.prefix + "settings#credentials-title", status=303)
