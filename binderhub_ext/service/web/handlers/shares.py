"""Who may enter my servers, and whom I invite: forms of the main page, and the same as an API."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadLink
from ....core.sharees import Sharee
from ...failures import Failure
from ...person.invitations import Invitation
from ...requests import first
from .. import views
from .base import ActionPage, Api, Handler, Page
from .pages import show_home
from .worklists import Part


class ServerForm(ActionPage):
    """A form at a server on the main page."""

    @property
    def named(self) -> tuple[str, str]:
        """The user or the group in it."""
        return first(self.fields(), "user"), first(self.fields(), "group")

    async def show_refused(self, failure: Failure) -> None:
        user, group = self.named
        typed = {"server": self.path_args[0], "user": user, "group": group}
        await show_home(self, {}, share_refused={**typed, **failure.to_json()})


class SharesForm(ServerForm):
    """`/servers/<name>/shares`: lets in, or takes back, whom the form names."""

    async def act(self, *names: str) -> str:
        sharee, shares = Sharee.named(*self.named), self.service.shares
        change = shares.take if first(self.fields(), "access") == "none" else shares.give
        await change(self.me, names[0], sharee)
        return f"{Part.asked(self).query}#work-title"


class SharesApi(Api):
    """`/api/servers/<name>/shares`: `{"user" or "group": …, "access": true or false}`."""

    async def get(self, name: str) -> None:
        await self._answer(name)

    async def post(self, name: str) -> None:
        body = self.json_body()
        user, group, access = (body.get(key) for key in ("user", "group", "access"))
        if not isinstance(user or "", str) or not isinstance(group or "", str):
            raise BadLink("“user” and “group” must be text.")
        if access not in (None, True, False):
            raise BadLink("“access” must be true or false.")
        sharee = Sharee.named(user or "", group or "")
        shares = self.service.shares
        await (shares.take if access is False else shares.give)(self.me, name, sharee)
        await self._answer(name)

    async def _answer(self, name: str) -> None:
        """Who may enter it now."""
        sharees = await self.service.shares.of(self.me, name)
        self.write({"shared_with": views.sharee_views(sharees)})


class SharedApi(Api):
    """`/api/shared`: servers of others that I may enter."""

    async def get(self) -> None:
        shared = await self.service.shares.received(self.me)
        self.write({"servers": [views.shared_view(server) for server in shared]})


class LeaveForm(Page):
    """`/shared/<owner>/<name>/leave`: the form of *Shared with you*."""

    async def post(self, owner: str, name: str) -> None:
        await self.service.shares.leave(self.me, owner, name)
        self.go_on()


class LeaveApi(Api):
    """`/api/shared/<owner>/<name>/leave`."""

    async def post(self, owner: str, name: str) -> None:
        await self.service.shares.leave(self.me, owner, name)
        self.write({})


class InvitationForm(ServerForm):
    """`/servers/<name>/invitations`: makes one, and shows its link this one time."""

    async def act(self, *names: str) -> None:
        time = first(self.fields(), "time")
        made = await self.service.invitations.make(self.me, names[0], time)
        self.show("invitation.html", server=names[0], **_made_view(self, *made))


class WithdrawForm(ServerForm):
    """`/servers/<name>/invitations/<id>/withdraw`."""

    async def act(self, *names: str) -> str:
        await self.service.invitations.withdraw(self.me, *names)
        return f"{Part.asked(self).query}#work-title"


class InvitationsApi(Api):
    """`/api/servers/<name>/invitations`: those that hold; `{"time": "hour", "day" or "week"}`."""

    async def get(self, name: str) -> None:
        invitations = await self.service.invitations.of(self.me, name)
        self.write({"invitations": [views.invitation_view(each) for each in invitations]})

    async def post(self, name: str) -> None:
        time = str(self.json_body().get("time", ""))
        made = await self.service.invitations.make(self.me, name, time)
        self.set_status(201)
        self.write(_made_view(self, *made))


class InvitationApi(Api):
    """`/api/servers/<name>/invitations/<id>`: withdrawing it."""

    async def delete(self, name: str, id: str) -> None:
        await self.service.invitations.withdraw(self.me, name, id)
        self.set_status(204)


def _made_view(handler: Handler, invitation: Invitation, path: str) -> dict[str, Any]:
    """An invitation that was just made, with its link."""
    return {**views.invitation_view(invitation), "url": handler.host_url + path}
