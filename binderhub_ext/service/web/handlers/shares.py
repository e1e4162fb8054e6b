"""Who may enter my servers: the forms of the main page, and the same as an API."""

from __future__ import annotations

from ....core.errors import BadLink, BinderError
from ....core.sharees import Sharee
from ...failures import Failure
from ...requests import first
from .. import views
from .base import Api, Page
from .pages import show_home


class SharesForm(Page):
    """`/servers/<name>/shares`: lets in, or takes back, whom the form names."""

    async def post(self, name: str) -> None:
        fields = self.fields()
        user, group = first(fields, "user"), first(fields, "group")
        try:
            sharee = Sharee.named(user, group)
            if first(fields, "access") == "none":
                await self.service.shares.take(self.me, name, sharee)
            else:
                await self.service.shares.give(self.me, name, sharee)
        except BinderError as error:
            failure = Failure.of(error, where="Shares")
            self.set_status(failure.status)
            refused = {"server": name, "user": user, "group": group, **failure.to_json()}
            await show_home(self, {}, share_refused=refused)
        else:
            self.redirect(self.service.prefix + "#servers-title", status=303)


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
        self.redirect(self.service.prefix, status=303)


class LeaveApi(Api):
    """`/api/shared/<owner>/<name>/leave`."""

    async def post(self, owner: str, name: str) -> None:
        await self.service.shares.leave(self.me, owner, name)
        self.write({})
