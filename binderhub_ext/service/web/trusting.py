"""What a person said about links before, and when it does not count."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from contextlib import suppress

from ...core.classes import Named, seen_by
from ...core.errors import BadLink, NotAllowed
from ...core.launch import LaunchRequest
from ...core.paste import understand
from ...core.policy import is_trusted
from ...core.rights import reach_for_the_same, rights, wants_nothing_more
from ..hub import Person
from ..records.records import now
from ..records.tables import TrustRow
from ..requests import PASTED, Fields, first, read_own_link
from .context import Service


async def trusted(
    service: Service, person: Person, request: LaunchRequest, teachers: Iterable[Named] = ()
) -> bool:
    """Whether this person, or the administrator, trusts the repository that far.

    Args:
        teachers: of its class, besides the owner.
    """
    # a secret is given by a tick for this launch, never by an answer of another day
    if request.repo is None or request.secrets:
        return False
    if is_trusted(service.policy, request) and wants_nothing_more(request, service.targets):
        return True
    wanted = rights(request, service.targets) | seen_by(request.class_id, teachers)
    rows = await service.records.trusted(person.name, request.repo.identity)
    return any(wanted <= set(row.rights.split("\n")) for row in rows)


def asks_first(service: Service, fields: Fields, request: LaunchRequest) -> bool:
    """Whether a link in a form, not the person, wants what is not the project's own.

    Args:
        fields: of the form: the link it was filled in from, and what was pasted.
        request: what the form stands for now, which may want less or more.
    """
    brought: list[LaunchRequest] = []
    with suppress(BadLink):
        if link := first(fields, PASTED):
            brought.append(read_own_link(link, service.providers))
    with suppress(BadLink):
        if pasted := first(fields, "repo"):
            brought.append(understand(pasted, providers=service.providers).request)
    return any(reach_for_the_same(earlier, request) for earlier in brought)


async def trust(
    service: Service, person: Person, request: LaunchRequest, told: Collection[str] = ()
) -> None:
    """Remember that links to this repository may start, with at most these rights.

    Args:
        told: whom the page named as teachers of its class, by their ids.

    Raises:
        NotAllowed: there is no repository to trust.
    """
    if request.repo is None:
        raise NotAllowed("Only repositories can be trusted, not images.")
    teachers = await service.classes.told_of(request.class_id, told)
    granted = rights(request, service.targets) | seen_by(request.class_id, teachers)
    row = TrustRow(
        id=secrets.token_hex(8),
        user=person.name,
        repo=request.repo.identity[:2048],
        repo_url=request.repo.url[:2048],
        rights="\n".join(sorted(granted)),
        since=now(),
    )
    await service.records.trust(row)
