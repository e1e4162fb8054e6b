"""The pages for administrators of the Hub, and the same as an API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from ....core.errors import BadLink, NotAllowed, NotFound
from ....core.sentences import NOTHING, Sentence, fixed
from ....engines.base import Check
from ...admin.administration import as_json
from ...failures import Failure, logged
from ...requests import first
from .. import adminviews as views
from ..accounts import days_of, usage_of_all
from ..catalogueviews import EntryViews
from ..context import Service
from ..longlists import looked_through, number_of, part_of
from .base import ActionPage, Api, Handler, chosen
from .pace import send_log

_LOOKED_FOR_MAX = 64
_PARTS = {name: Sentence(name) for name in (fixed("JupyterHub API"), fixed("Database"))}
"""The parts of this service, whose names programs read in English."""


class ForAdministrators(Handler):
    """Refuses everybody else, in words."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.person is not None and not self.person.admin:
            raise NotAllowed(
                "This is for administrators of this hub. If you are one, sign out and in again; a "
                "program needs a token with the scope “admin-ui”."
            )


class AdminPage(ForAdministrators, ActionPage):
    """`/admin` and `/admin/<section>`."""

    async def get(self, section: str = "builds") -> None:
        await self._show(section)

    async def act(self, *names: str) -> str:
        """Every form of these pages; its field `action` says which."""
        action = chosen(_ACTIONS, first(self.fields(), "action"))
        await action(self)
        return f"admin/{names[0]}" if names else "admin"

    async def show_refused(self, failure: Failure) -> None:
        await self._show(self.path_args[0] if self.path_args else "builds", failure)

    async def _show(self, section: str, failure: Failure | None = None) -> None:
        self.show(
            "admin.html",
            section=section,
            error=failure.to_json() if failure else None,
            **await _SECTIONS[section](self),
        )


class AdminApi(ForAdministrators, Api):
    """`/api/admin/<section>`: what the page shows."""

    async def get(self, section: str) -> None:
        self.write(await _SECTIONS[section](self))


class BuildCancel(ForAdministrators, Api):
    """`/api/admin/builds/<id>/cancel`."""

    async def post(self, id: str) -> None:
        await self.service.administration.cancel_build(self.me, id)
        self.write({})


class BuildLogText(ForAdministrators, Api):
    """`/api/admin/builds/<id>/log`: of anybody's build, as text."""

    async def get(self, id: str) -> None:
        path = self.service.builds.log_path(id)
        if not path.is_file():
            raise NotFound("There is no log of this build, or it was removed after a while.")
        await send_log(self, path)


class EnvironmentApi(ForAdministrators, Api):
    """`/api/admin/environments/<key>`: removing it."""

    async def delete(self, key: str) -> None:
        await self.service.administration.remove_environment(self.me, key)
        self.write({})


class EnvironmentPin(ForAdministrators, Api):
    """`/api/admin/environments/<key>/pin`: having it stay, or not any more."""

    async def post(self, key: str) -> None:
        await self._pin(key, pinned=True)

    async def delete(self, key: str) -> None:
        await self._pin(key, pinned=False)

    async def _pin(self, key: str, *, pinned: bool) -> None:
        await self.service.administration.pin_environment(self.me, key, pinned=pinned)
        self.write({})


class TheirServerStop(ForAdministrators, Api):
    """`/api/admin/servers/<user>/<name>/stop`."""

    async def post(self, user: str, name: str) -> None:
        await self.service.administration.stop_server(self.me, user, name)
        self.set_status(202)
        self.write({})


class AnnouncementApi(ForAdministrators, Api):
    """`/api/admin/announcement`: `{"words": …}`, empty for none."""

    async def post(self) -> None:
        words = self.json_body().get("words", "")
        if not isinstance(words, str):
            raise BadLink("“words” must be a text.")
        await self.service.administration.announce(self.me, words)
        self.write({"words": self.service.announcement.words()})


class TrustApi(ForAdministrators, Api):
    """`/api/admin/trust/<id>`: taking it back."""

    async def delete(self, id: str) -> None:
        await self.service.administration.revoke_trust(self.me, id)
        self.write({})


# ---- what each section shows


async def _builds(handler: Handler) -> dict[str, Any]:
    service, prefix = handler.service, handler.service.prefix
    rows, waiting = await service.administration.builds()
    failures = await service.administration.failures()
    wanted = handler.get_query_argument("reference", "").strip()[:_LOOKED_FOR_MAX]
    return {
        "builds": [
            views.build_view(
                row,
                people,
                at_work=service.administration.at_work(row.id),
                log=service.builds.log_path(row.id).is_file(),
                prefix=prefix,
            )
            for row, people in rows
        ],
        "waiting": waiting,
        "failures": [views.failure_view(row, prefix) for row in failures],
        "reference": wanted,
        "found": await _found(service, wanted) if wanted else None,
    }


async def _found(service: Service, wanted: str) -> dict[str, Any]:
    """What there is under a reference that somebody was shown: a launch, or an error of ours.

    People copy the code along with it: `build-failed 8c1f0a`.
    """
    reference = wanted.split()[-1]
    row = await service.administration.launch(reference)
    return {
        "launch": views.failure_view(row, service.prefix) if row else None,
        "traceback": logged(reference),
    }


async def _environments(handler: Handler) -> dict[str, Any]:
    kept = await handler.service.administration.environments()
    rows = [views.environment_view(image) for image in kept]
    return _part(handler, "environments", rows, ("repo", "name", "kind"))


async def _servers(handler: Handler) -> dict[str, Any]:
    servers = await handler.service.administration.servers(handler.me)
    rows = [views.their_server_view(server) for server in servers]
    return _part(handler, "servers", rows, ("user", "name", "title", "repo", "state"))


async def _volumes(handler: Handler) -> dict[str, Any]:
    volumes = await handler.service.administration.volumes()
    rows = [views.their_volume_view(volume, size) for volume, size in volumes]
    return _part(handler, "volumes", rows, ("name", "owner", "kind", "people", "groups"))


async def _people(handler: Handler) -> dict[str, Any]:
    administration, policy = handler.service.administration, handler.service.policy
    rows = [views.person_view(person) for person in await administration.people(handler.me)]
    return {
        **_part(handler, "people", rows, ("name",)),
        "trust": [views.trust_view(row) for row in await administration.trust()],
        "trusted_specs": list(policy.trusted_specs),
        "banned_specs": list(policy.banned_specs),
        "banned_networks": [
            {"network": str(network), "why": why}
            for network, why in handler.service.bans.networks.items()
        ],
    }


async def _health(handler: Handler) -> dict[str, Any]:
    service = handler.service
    parts = [
        Check(_PARTS[part["service"]], part["ok"], NOTHING)
        for part in await service.health.checks()
    ]
    return {"checks": [*map(as_json, (*parts, *await service.administration.checks()))]}


async def _usage(handler: Handler) -> dict[str, Any]:
    days = days_of(handler.get_query_argument("days", ""))
    found = await usage_of_all(handler.service, handler.me, days)
    return {**found, **_part(handler, "usage", found["usage"], ("user", "groups"), days=str(days))}


async def _catalogue(handler: Handler) -> dict[str, Any]:
    service = handler.service
    images = await service.catalogue_health.environments()
    shown = EntryViews(service.catalogue, handler.me, images, service.prefix)
    return {"entries": [*map(shown.reported, await service.catalogue.reported())]}


async def _settings(handler: Handler) -> dict[str, Any]:
    told = handler.service.announcement.words()
    # not as `announcement`, which the Hub's page takes for HTML
    return {"settings": list(handler.service.settings), "told": told}


def _part(
    handler: Handler,
    section: str,
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    **query: str,
) -> dict[str, Any]:
    """What of a list is looked for: a page of it for people; all for programs that ask for none.

    Args:
        names: of the fields that are looked through.
        query: what the list's address has besides.
    """
    wanted = handler.get_query_argument("find", "").strip()[:_LOOKED_FOR_MAX]
    found = looked_through(rows, names, wanted)
    page = handler.get_query_argument("page", "1" if isinstance(handler, AdminPage) else "")
    if not page:
        return {section: found}
    address = f"{handler.service.prefix}admin/{section}"
    shown, places = part_of(found, {**query, "find": wanted}, number_of(page), address)
    return {section: shown, "find": wanted, **places}


_SECTIONS: dict[str, Callable[[Handler], Awaitable[dict[str, Any]]]] = {
    "builds": _builds,
    "environments": _environments,
    "servers": _servers,
    "volumes": _volumes,
    "people": _people,
    "usage": _usage,
    "catalogue": _catalogue,
    "health": _health,
    "settings": _settings,
}

SECTIONS = "|".join(_SECTIONS)
"""For the table of addresses."""


# ---- what each form does


async def _cancel(page: Handler) -> None:
    await page.service.administration.cancel_build(page.me, first(page.fields(), "id"))


async def _remove(page: Handler) -> None:
    await page.service.administration.remove_environment(page.me, first(page.fields(), "id"))


async def _pin(page: Handler) -> None:
    pinned = first(page.fields(), "action") == "pin-environment"
    key = first(page.fields(), "id")
    await page.service.administration.pin_environment(page.me, key, pinned=pinned)


async def _stop(page: Handler) -> None:
    fields = page.fields()
    user, name = first(fields, "user"), first(fields, "name")
    await page.service.administration.stop_server(page.me, user, name)


async def _announce(page: Handler) -> None:
    await page.service.administration.announce(page.me, first(page.fields(), "words"))


async def _revoke(page: Handler) -> None:
    await page.service.administration.revoke_trust(page.me, first(page.fields(), "id"))


async def _hide(page: Handler) -> None:
    hidden = first(page.fields(), "action") == "hide-entry"
    await page.service.catalogue.hide(page.me, first(page.fields(), "id"), hidden=hidden)


async def _feature(page: Handler) -> None:
    featured = first(page.fields(), "action") == "feature-entry"
    await page.service.catalogue.feature(page.me, first(page.fields(), "id"), featured=featured)


async def _dismiss(page: Handler) -> None:
    await page.service.catalogue.dismiss(page.me, first(page.fields(), "id"))


_ACTIONS: dict[str, Callable[[Handler], Awaitable[None]]] = {
    "cancel-build": _cancel,
    "remove-environment": _remove,
    "pin-environment": _pin,
    "unpin-environment": _pin,
    "stop-server": _stop,
    "announce": _announce,
    "revoke-trust": _revoke,
    "hide-entry": _hide,
    "unhide-entry": _hide,
    "feature-entry": _feature,
    "unfeature-entry": _feature,
    "dismiss-reports": _dismiss,
}
