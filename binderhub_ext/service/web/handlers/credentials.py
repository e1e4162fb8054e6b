"""The parts of the settings page where people store what nobody is shown again."""

from __future__ import annotations

from ....core.errors import BadTicket
from ...requests import first
from .base import Api, Page


class StoreCredential(Page):
    """`/settings/credentials`: keep a token; the answer never has it in it."""

    async def post(self) -> None:
        fields = self.fields()
        host, user, token = (first(fields, name) for name in ("host", "user", "token"))
        await self.service.credentials.store(self.me.name, host, user, token)
        self.go_on("settings#credentials-title")


class RemoveCredential(Page):
    """`/settings/credentials/<id>/remove`."""

    async def post(self, id: str) -> None:
        await self.service.credentials.remove(self.me.name, id)
        self.go_on("settings#credentials-title")


class StoreSecret(Page):
    """`/settings/secrets`: keep a secret for one's servers; the answer never has it in it."""

    async def post(self) -> None:
        fields = self.fields()
        file = first(fields, "as") == "file"
        # a key's lines as a file has them, to the end of the last; of a variable, what counts alone
        value = self.get_body_argument("value", "", strip=not file).replace("\r\n", "\n")
        await self.service.secrets.store(self.me.name, first(fields, "name"), value, file=file)
        self.go_on("settings#secrets-title")


class RemoveSecret(Page):
    """`/settings/secrets/<id>/remove`."""

    async def post(self, id: str) -> None:
        await self.service.secrets.remove(self.me.name, id)
        self.go_on("settings#secrets-title")


class HandoverApi(Api):
    """`POST /api/handover`: the Hub asks for what a ticket names, when it starts that server.

    Whoever asks shows that they are the Hub by what they ask, and not by a sign-in.
    """

    public = True

    async def post(self) -> None:
        service = self.service
        question = service.handover.read_question(str(self.json_body().get("question", "")))
        launch = service.tickets.of(question.user, question.server, question.ticket)
        if launch is None:
            raise BadTicket("The launch is not signed by this service. Launch again from its link.")
        given = await service.secrets.opened(launch.user, launch.secrets, question.since)
        self.write({"answer": service.handover.answer(question, given)})
