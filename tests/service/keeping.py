"""A service's bookkeeper in a process of its own, to be killed at any moment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from binderhub_ext.core.launch import Launch, Tickets
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.policy import Size
from binderhub_ext.core.using import UNKNOWN, Use
from binderhub_ext.service.accounting.bookkeeper import Bookkeeper
from binderhub_ext.service.accounting.buildmeter import BuildMeter
from binderhub_ext.service.accounting.settings import Given
from binderhub_ext.service.accounting.stored import StoredFiles
from binderhub_ext.service.hub import HubClient, Person
from binderhub_ext.service.hubapi import HubSettings
from binderhub_ext.service.person.space import DiskUsage
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.ledger import Ledger
from binderhub_ext.service.records.records import Records
from binderhub_ext.storage.space import Limits
from binderhub_ext.storage.volumes import VolumeStore


async def nobody_knows(launches: Sequence[Launch]) -> list[Use]:
    return [UNKNOWN] * len(launches)


async def keep(database: str, api: str, token: str) -> None:
    ledger = Ledger(Records(sqlite_url(Path(database)), engine="memory"))
    await ledger.end_interrupted()
    layout = DataDirectory(Path(database).parent)
    bookkeeper = Bookkeeper(
        ledger,
        HubClient(HubSettings(api)),
        Person("binder", token),
        tickets=Tickets("secret"),
        given=Given(Size(1 << 30, 1), {}),
        meter=BuildMeter(ledger),
        stored=StoredFiles(DiskUsage(layout, Limits()), VolumeStore(layout)),
        measure=nobody_knows,
        every=0.1,
    )
    while True:
        await bookkeeper.look()
        print("looked", flush=True)
        await bookkeeper.pause()


if __name__ == "__main__":
    asyncio.run(keep(*sys.argv[1:]))
