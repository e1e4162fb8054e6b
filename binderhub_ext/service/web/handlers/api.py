"""The API of our own pages and of programs: launches, servers, pastes."""

from __future__ import annotations

from typing import Any

from ....core.errors import NotFound
from ....core.links import described
from ....core.paste import understand
from ....core.repo import Commit
from ....core.updates import Keep
from ...launching import launchstate
from ...launching.orders import LaunchOrder, OnChange
from ...requests import SHOWN, TOLD, Fields, first, read_fields, read_own_link
from .. import confirmation, previews, readmes, views
from .base import Api, Handler
from .pace import send_log
from .streams import EventStream
from .worklists import servers_of

_ASK = "ask"


def order_of(handler: Handler, fields: Fields, keep: Keep | None = Keep.BOTH) -> LaunchOrder:
    """What a form or an API call wants, and in whose name.

    Args:
        keep: what holds for files both sides changed if nothing is said; `None` to ask.

    Raises:
        BadField, BadLink: it cannot be understood.
    """
    request = read_fields(fields, handler.service.providers)
    return LaunchOrder(
        handler.me,
        request,
        on_change(fields),
        keep_of(fields, keep),
        origin=handler.origin(),
        host=handler.request.host,
        shown=tuple(fields.get(SHOWN, ())),
        told=tuple(fields.get(TOLD, ())),
        # said by themselves: never what a link names
        secrets=tuple(dict.fromkeys(filter(None, fields.get("secrets", ())))),
        language=handler.language.tag,
        say=handler.language.say,
    )


def on_change(fields: Fields) -> OnChange:
    """What to do about a server that runs with something else; asking is the default."""
    said = first(fields, "on_change")
    return OnChange(said) if said in tuple(OnChange) else OnChange.ASK


def keep_of(fields: Fields, default: Keep | None) -> Keep | None:
    """Whose version of a file that both sides changed keeps its name; `None` to ask."""
    said = first(fields, "keep")
    if said == _ASK:
        return None
    return Keep(said) if said in tuple(Keep) else default


class LaunchesApi(Api):
    """`/api/launches`: mine, and starting one."""

    async def get(self) -> None:
        states = await self.service.launches.recent(self.me)
        self.write({"launches": [views.launch_view(s, self.service.prefix) for s in states]})

    async def post(self) -> None:
        state = await self.service.launches.start(order_of(self, texts(self.json_body())))
        answer_started(self, state)


class LaunchApi(Api):
    """`/api/launches/<id>`."""

    async def get(self, id: str) -> None:
        state = await self.service.launches.get(self.me, id)
        self.write(views.launch_view(state, self.service.prefix))


class LaunchReadme(Api):
    """`/api/launches/<id>/readme`: what its repository says of itself, once it was fetched."""

    async def get(self, id: str) -> None:
        _, commit = await _launched(self, id)
        self.write(await readmes.shown(self.service.builds, commit))


class LaunchNotebook(Api):
    """`/api/launches/<id>/notebook`: the one that opens, as it is in the repository, likewise."""

    async def get(self, id: str) -> None:
        state, commit = await _launched(self, id)
        path = previews.notebook_of(read_own_link(state.link, self.service.providers))
        self.write(await previews.shown(self.service.builds, commit, path, self.language.say))


async def _launched(handler: Handler, id: str) -> tuple[launchstate.State, Commit]:
    """A launch of a commit that is known by now."""
    state = await handler.service.launches.get(handler.me, id)
    if state.repo is None or not state.commit:
        raise NotFound("The commit of this launch is not known yet.")
    return state, Commit(state.repo, state.ref, state.commit)


class LaunchEvents(EventStream):
    """`/api/launches/<id>/events`: watches, starts nothing, may be dropped and resumed."""

    async def get(self, id: str) -> None:
        state = await self.service.launches.get(self.me, id)
        history = self.service.launches.history(self.me, id)
        self.open_stream()
        if history is None:
            self.tell_once(views.last_event(state))
        else:
            await self.follow(history, self.resume_point())


class LaunchCancel(Api):
    """`/api/launches/<id>/cancel`."""

    async def post(self, id: str) -> None:
        state = await self.service.launches.cancel(self.me, id)
        if self.of_a_form:
            self.go_on(views.path_of(id))
        else:
            self.write(views.launch_view(state, self.service.prefix))


class LaunchDismiss(Api):
    """`/api/launches/<id>/dismiss`: its person has read why it failed."""

    async def post(self, id: str) -> None:
        await self.service.records.dismiss(self.me.name, id)
        self.service.news.tell(self.me.name)
        if self.of_a_form:
            self.go_on()
        else:
            self.set_status(204)


class LaunchLog(Api):
    """`/api/launches/<id>/log`: the whole build log as text."""

    async def get(self, id: str) -> None:
        state = await self.service.launches.get(self.me, id)
        path = self.service.builds.log_path(state.build)
        if not state.build or not path.is_file():
            raise NotFound("This launch built nothing, or its log was removed after a while.")
        await send_log(self, path)


class ServersApi(Api):
    """`/api/servers`: mine."""

    async def get(self) -> None:
        self.write({"servers": await servers_of(self.service, self.me)})


class WorkEvents(EventStream):
    """`/api/work/events`: a message whenever something in `api/launches` or `api/servers` changed.

    It does not say what: whoever hears it looks. What the Hub does by itself is not told.
    """

    async def get(self) -> None:
        self.open_stream()
        await self.wake(self.service.news, self.me.name)


class ServerStop(Api):
    """`/api/servers/<name>/stop`."""

    async def post(self, name: str) -> None:
        await self.service.hub.stop(self.me, name)
        self.service.news.tell(self.me.name)
        if self.of_a_form:
            self.go_on()
        else:
            self.set_status(202)
            self.write({})


class ServerApi(Api):
    """`/api/servers/<name>`: removing it from the list; its files stay."""

    async def delete(self, name: str) -> None:
        await self.service.hub.stop(self.me, name, remove=True)
        self.service.news.tell(self.me.name)
        self.set_status(202)
        self.write({})


class ParseApi(Api):
    """`/api/parse?text=…`: what a paste was taken to mean. Looks nothing up."""

    async def get(self) -> None:
        text, providers = self.get_query_argument("text", ""), self.service.providers
        understanding = understand(text, providers=providers)
        values = described(understanding.request, providers=providers)
        self.write({**values, "guessed": list(understanding.guessed)})


class EnvironmentApi(Api):
    """`/api/environment?text=…`: what would be built of a link, or why nothing can be.

    Starts nothing. Looks at the repository's files, as far as that takes a moment.
    """

    async def get(self) -> None:
        service = self.service
        request = understand(
            self.get_query_argument("text", ""), providers=service.providers
        ).request
        asked = await confirmation.question(service, self.me, request)
        nearest, source = confirmation.Nearest(asked), confirmation.Source("", "here")
        values = confirmation.page_values(service, nearest, source)
        self.write({"environment": values["environment"], "refusal": values["refusal"]})


def answer_started(handler: Api, state: launchstate.State) -> None:
    """Answer who began a launch: where it is."""
    view = views.launch_view(state, handler.service.prefix)
    handler.set_status(201)
    handler.set_header("Location", view["page"])
    handler.write({"id": state.id, "url": view["page"], "events": view["events_url"]})


def texts(body: dict[str, Any]) -> Fields:
    """A JSON object as the fields of a form."""
    fields = {name: value if isinstance(value, list) else [value] for name, value in body.items()}
    return {
        name: [str(one) for one in values if one is not None] for name, values in fields.items()
    }
