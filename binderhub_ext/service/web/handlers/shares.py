"""Who may enter my servers: the forms of the main page, and the same as an API."""

from __future__ import annotations

from ....core.errors import BadLink, BinderError
from ....core.sharees import Sharee
from ...failures import Failure
from ...requests import first
from .. import views
from .base import ActionPage, Api, Page
from .pages import show_home


class SharesForm(ActionPage):
    """`/servers/<name>/shares`: lets in, or takes back, whom the form names."""

    async def act(self, *names: str) -> str:
        sharee, shares = Sharee.named(*self._named()), self.service.shares
        change = shares.take if first(self.fields(), "access") == "none" else shares.give
        await change(self.me, names[0], sharee)
        return "#work-title"

    async def show_refused(self, failure: Failure, _error: BinderError) -> None:
        user, group = self._named()
        typed = {"server": self.path_args[0], "user": user, "group": group}
        await show_home(self, {}, share_refused={**typed, **failure.to_json()})

    def _named(self) -> tuple[str, str]:
        return first(self.fields(), "user"), first(self.fields(), "group")


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
