"""Tokens at rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from binderhub_ext.core.errors import Conflict
from binderhub_ext.secrets import ensure_secret
from binderhub_ext.service.person.credentials import Credentials
from binderhub_ext.service.person.sealed import Seal
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.records import Records


@pytest.fixture
def credentials(records: Records, tmp_path: Path) -> Credentials:
    return Credentials(records, Seal(ensure_secret(tmp_path / "secrets" / "credentials")))


async def test_in_and_out(credentials: Credentials, tmp_path: Path) -> None:
    await credentials.store("ana", "https://GitHub.com/me/mine", "", " hush ")
    await credentials.store("ana", "git.example.org:8443", "ana@work", "hush-2")
    keys = await credentials.keyring("ana")
    assert {host: (key.user, key.password) for host, key in keys.items()} == {
        "github.com": ("git", "hush"),
        "git.example.org:8443": ("ana@work", "hush-2"),
    }
    assert await credentials.keyring("bob") == {}
    assert "hush" not in repr(keys) + repr(await credentials.stored("ana"))
    assert b"hush" not in b"".join(path.read_bytes() for path in tmp_path.glob("b.sqlite*"))


async def test_a_new_token_takes_the_place_of_the_old(credentials: Credentials) -> None:
    for token in ("one", "two"):
        await credentials.store("ana", "github.com", "", token)
    assert (await credentials.keyring("ana"))["github.com"].password == "two"
    [stored] = await credentials.stored("ana")
    assert not await credentials.remove("bob", stored.id)
    assert await credentials.remove("ana", stored.id)
    assert not await credentials.remove("ana", stored.id)
    assert await credentials.stored("ana") == []
    for number in range(50):
        await credentials.store("ana", f"{number}.example.org", "", "one")
    await credentials.store("ana", "0.example.org", "", "two")
    with pytest.raises(Conflict, match="50 hosts"):
        await credentials.store("ana", "more.example.org", "", "one")
    await credentials.store("bob", "more.example.org", "", "one")


@pytest.mark.parametrize("change", ["user = 'mallory'", "host = 'evil.example.org'"])
async def test_a_row_moved_to_somebody_else_opens_nothing(
    credentials: Credentials, tmp_path: Path, change: str
) -> None:
    await credentials.store("ana", "github.com", "", "hush")
    engine = create_engine(sqlite_url(tmp_path / "b.sqlite"))
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE credentials SET {change}"))
    engine.dispose()
    assert await credentials.keyring("mallory") == await credentials.keyring("ana") == {}


async def test_another_key_opens_nothing(records: Records, tmp_path: Path) -> None:
    one, two = (Seal(ensure_secret(tmp_path / name)) for name in ("one", "two"))
    await Credentials(records, one).store("ana", "a.org", "", "hush")
    assert await Credentials(records, two).keyring("ana") == {}
