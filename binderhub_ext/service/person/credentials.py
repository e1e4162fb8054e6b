"""People's own tokens for Git hosts: encrypted in the records, open only while git needs them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ...core.errors import BadLink, Conflict
from ...core.url import read_url
from ...repos.credentials import Credential
from ..records.records import Records, now
from ..records.tables import CredentialRow
from .sealed import Seal

ANY_USER = "git"
"""For hosts that look at the token alone."""

_MAX = 4096
_HOSTS = 50
"""For which one person may store a token."""
_PLAIN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Stored:
    """A credential as its owner may see it again: without its secret."""

    id: str
    host: str
    user: str
    since: datetime


class Credentials:
    """Everybody's credentials.

    Args:
        records: where they are kept.
        seal: encrypts them.
    """

    def __init__(self, records: Records, seal: Seal) -> None:
        self._records, self._seal = records, seal

    async def store(self, person: str, host: str, user: str, token: str) -> None:
        """Keep a token for a host, in place of the one that was there.

        Args:
            host: its name, or any URL on it.
            user: name for the host; empty where the host wants none.

        Raises:
            BadLink: not a host, or not a token.
            Conflict: the person has as many as they may.
        """
        host, user, token = _host(host), user.strip() or ANY_USER, token.strip()
        if not _PLAIN.fullmatch(token) or len(token) > _MAX:
            raise BadLink("This is not a token: it is empty, too long, or has spaces in it.")
        if not _PLAIN.fullmatch(user) or ":" in user or len(user) > 255:
            raise BadLink("A user name has no spaces and no “:”. Leave it empty if unsure.")
        content = {"user": user, "password": token}
        row = CredentialRow(
            id=secrets.token_hex(8),
            user=person,
            host=host,
            login=user,
            sealed=self._seal.close({"person": person, "host": host}, content),
            since=now(),
        )
        if not await self._records.keep_credential(row, _HOSTS):
            raise Conflict(
                "You have tokens for {count} hosts already, which is as many as one person may"
                " store here. Remove one first.",
                count=_HOSTS,
            )

    async def remove(self, person: str, id: str) -> bool:
        """Forget a token; False if this person had none of that id."""
        return await self._records.remove_credential(person, id)

    async def stored(self, person: str) -> list[Stored]:
        """What a person has stored, by host."""
        rows = await self._records.credentials(person)
        return [Stored(row.id, row.host, row.login, row.since) for row in rows]

    async def keyring(self, person: str) -> Mapping[str, Credential]:
        """A person's credentials by host, for :class:`~..repos.git.GitProvider`."""
        rows = await self._records.credentials(person)
        opened = ((row.host, self._open(row)) for row in rows)
        return {host: credential for host, credential in opened if credential}

    def _open(self, row: CredentialRow) -> Credential | None:
        sealed = self._seal.open(row.sealed, {"person": row.user, "host": row.host})
        return Credential(sealed["user"], sealed["password"]) if sealed else None


def _host(text: str) -> str:
    """A host as URLs have it, with its port if that is not the scheme's own."""
    text = text.strip()
    return read_url(text if "://" in text else f"https://{text}").netloc
