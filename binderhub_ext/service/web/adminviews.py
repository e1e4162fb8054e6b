"""What administrators' pages and their API are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from ...core.rights import words
from ...core.sentences import Sentence
from ...core.url import readable
from ...core.volumes import Volume
from ..admin.administration import Kept, Somebody, TheirServer
from ..records.tables import BuildRow, LaunchRow, TrustRow
from .views import iso

_SECRET = re.compile(r"secret|token|passw|credential|private|cookie|auth|key|db_url|env", re.I)
_ADDRESS_PASSWORD = re.compile(r"(?<=://)[^/@\s]*@")
_WORD = r"[\w.-]*(?:secret|token|passw|credential|api.?key|access.?key)[\w.-]*"
_SAID = re.compile(rf"(?P<name>{_WORD}['\"]?\s*[=:]\s*|--{_WORD}\s+)[^\s&]+", re.I)
"""Secrets that are said within a text: of a command line, an address, JSON."""
_LONGEST = 400


def build_view(
    row: BuildRow, people: Sequence[str], *, at_work: bool, log: bool, prefix: str
) -> dict[str, Any]:
    """A build.

    Args:
        people: who waited for it.
        at_work: whether it is under way in this service.
        log: whether there is one.
        prefix: of the service.
    """
    end = row.finished or datetime.now(UTC)
    return {
        "id": row.id,
        "key": row.key,
        "kind": row.kind,
        "repo": _shown(row.repo),
        "commit": row.commit,
        "started": iso(row.started),
        "seconds": round((end - row.started).total_seconds()),
        "state": "running" if row.finished is None else row.result,
        "message": row.message,
        "people": list(people),
        "can_cancel": at_work,
        "log_url": f"{prefix}api/admin/builds/{row.id}/log" if log else "",
    }


def failure_view(row: LaunchRow, prefix: str) -> dict[str, Any]:
    """A launch of anybody that failed; the reference its person was shown is its id or code."""
    return {
        "id": row.id,
        "user": row.user,
        "title": _shown(row.repo_url) or row.server,
        "started": iso(row.started),
        "code": row.code,
        "message": row.message,
        "detail": row.detail,
        "log_url": f"{prefix}api/admin/builds/{row.build}/log" if row.build else "",
    }


def environment_view(kept: Kept) -> dict[str, Any]:
    """An environment that the engine keeps."""
    build, image = kept.build, kept.image
    return {
        "key": image.key,
        "name": image.name,
        "kind": build.kind if build else "",
        "repo": _shown(build.repo) if build else "",
        "bytes": image.size or None,
        "people": kept.uses.people,
        "launches": kept.uses.launches,
        "last_used": iso(kept.uses.last),
        "pinned": kept.pinned,
    }


def their_server_view(one: TheirServer) -> dict[str, Any]:
    """A server of anybody."""
    commit = one.launch.commit if one.launch else None
    return {
        "user": one.user,
        "name": one.server.name,
        "title": commit.repo.title if commit else one.server.name or Sentence("default"),
        "repo": _shown(commit.repo.url) if commit else "",
        "image": one.launch.image if one.launch else "",
        "state": str(one.server.state),
        "last_activity": one.server.last_activity,
    }


def person_view(one: Somebody) -> dict[str, Any]:
    return vars(one)


def their_volume_view(volume: Volume, size: int | None) -> dict[str, Any]:
    """A volume of anybody."""
    return {
        "id": volume.id,
        "name": volume.name,
        "kind": str(volume.kind),
        "owner": volume.owner,
        "people": {name: str(access) for name, access in volume.users.items()},
        "groups": {name: str(access) for name, access in volume.groups.items()},
        "bytes": size,
    }


def trust_view(row: TrustRow) -> dict[str, Any]:
    """Whom somebody trusts."""
    return {
        "id": row.id,
        "user": row.user,
        "repo": _shown(row.repo),
        "rights": words(row.rights.split("\n")),
        "since": iso(row.since),
    }


def settings_view(config: Config) -> list[dict[str, str]]:
    """What was set, by class, without what may be secret.

    A value is left out by the name of its setting, and all of the classes by which people sign in,
    whose settings nobody here knows.
    """
    return sorted(_settings(config), key=lambda setting: (setting["section"], setting["name"]))


def _settings(config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for section, settings in config.items():
        if not isinstance(settings, Config):
            continue
        for name, value in settings.items():
            hidden = bool(_SECRET.search(name) or _SECRET.search(section))
            yield {
                "section": section,
                "name": name,
                "value": "" if hidden else _written(value),
                "hidden": "yes" if hidden else "",
            }


def _written(value: object) -> str:
    if isinstance(value, LazyConfigValue | DeferredConfig):
        value = value.to_dict() if isinstance(value, LazyConfigValue) else str(value)
    text = repr(_without_secrets(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _without_secrets(value: object) -> object:
    """The same without what has the name of a secret, or stands before the host of an address."""
    if isinstance(value, str):
        return _SAID.sub(r"\g<name>…", _ADDRESS_PASSWORD.sub("…@", value))
    if isinstance(value, Mapping):
        return {
            key: "…" if _SECRET.search(str(key)) else _without_secrets(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_secrets(inner) for inner in _ordered(value)]
    return value if isinstance(value, int | float | None) else f"<{type(value).__name__}>"


def _ordered(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=str) if isinstance(values, set | frozenset) else list(values)


def _shown(address: str) -> str:
    """An address as people write it, without its scheme."""
    text = readable(address)
    return text.partition("://")[2] or text
