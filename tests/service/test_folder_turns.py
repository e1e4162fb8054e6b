"""Uploads and downloads of many people: what one claims, and for how long."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, aclosing, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from patience import SOON
from smalldisk import leave_free, small_disk
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler, stream_request_body

from binderhub_ext.core.errors import NoSpace, TooMany
from binderhub_ext.core.launch import Tickets
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.service.failures import Failure
from binderhub_ext.service.hub import Person
from binderhub_ext.service.person.files import PersonFiles
from binderhub_ext.service.person.folders import HOME, PersonFolders
from binderhub_ext.service.person.space import DiskUsage
from binderhub_ext.service.person.volumes import PersonVolumes
from binderhub_ext.service.turns import Turns
from binderhub_ext.service.web.handlers import pace as paces
from binderhub_ext.service.web.handlers import receiving
from binderhub_ext.service.web.handlers.pace import Pace, send_as_made, send_log, server_of
from binderhub_ext.service.web.handlers.receiving import Receiving
from binderhub_ext.service.web.handlers.uploads import _UNKNOWN, UploadForm
from binderhub_ext.storage.space import Limits

MIB = 1 << 20


def test_who_is_too_slow_keeps_nobody_waiting() -> None:
    """Whatever size a file is said to have, or has without a byte on the disk."""
    pace = Pace(100)
    assert pace.until(100) == 160, "nothing has come"
    assert pace.until(110, 500 * MIB) == 170, "much came at once, and then nothing"
    slow = Pace(100)
    assert slow.until(130, MIB) > 160 and slow.until(160, MIB) > 190, "a little now and then"
    assert slow.until(190, MIB) > 220 and slow.until(220, MIB) < 250
    quick = Pace(100)
    assert all(quick.until(100 + second, MIB) == 160 + second for second in range(1, 1000))


def test_the_other_end_is_not_blamed_for_what_is_not_made_yet() -> None:
    pace = Pace(100)
    for second in range(0, 1000, 100):
        pace.paused(100)
        assert pace.until(200 + second, 1000) > 250 + second


def test_a_handful_of_people_leaves_a_turn_for_whoever_comes() -> None:
    turns, none = Turns(4, 16), TooMany("Later.")

    def taken(stack: ExitStack, user: str) -> int:
        for count in range(16):
            try:
                stack.enter_context(turns.taken(user, none))
            except TooMany:
                return count
        return 16

    with ExitStack() as stack:
        got = [taken(stack, f"greedy-{number}") for number in range(8)]
        assert got == [4, 4, 1, 1, 1, 1, 1, 1]
        assert taken(stack, "ana") == 1 and taken(stack, "ana") == 0
        assert sum(taken(stack, f"one-{number}") for number in range(4)) == 1, "all are taken"
    with ExitStack() as stack:
        assert taken(stack, "ana") == 4, "given back"


async def test_who_reads_an_archive_slowly_holds_up_nobody(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path)
    project = layout.home("ana") / "projects" / "o" / "r"
    for user in ("ana", "bob", "eve"):
        project = layout.home(user) / "projects" / "o" / "r"
        project.mkdir(parents=True)
        (project / "noise").write_bytes(os.urandom(3 * MIB))
    other: Any = None
    files = PersonFiles(
        layout,
        volumes=other,
        space=other,
        hub=other,
        records=other,
        tickets=Tickets("x"),
        days=1,
    )

    def archive(user: str) -> Any:
        return aclosing(files.zipped(Person(user, ""), "projects/o/r"))

    async with (
        archive("ana") as slow,
        archive("ana") as second,
        archive("bob") as third,
        archive("eve") as quick,
        archive("ana") as too_many,
        asyncio.timeout(SOON),
    ):
        for begun in (slow, second, third):
            assert await anext(begun)
        assert sum([len(piece) async for piece in quick]) > 3 * MIB
        with pytest.raises(TooMany):
            await anext(too_many)


async def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paces, "_LONGEST", 0.2)
    ended = asyncio.Event()

    class Endless(RequestHandler):
        async def get(self) -> None:
            await send_as_made(self, pieces())
            ended.set()

    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MIB)

    listening, port = bind_unused_port()
    server = HTTPServer(Application([("/", Endless)]))
    server.add_sockets([listening])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(SOON):
            await ended.wait()
    server.stop()


async def test_who_reads_no_further_keeps_no_log_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paces, "_LONGEST", 0.2)
    said, ended = tmp_path / "log", asyncio.Event()
    with said.open("wb") as file:
        file.truncate(64 * MIB)

    class Log(RequestHandler):
        async def get(self) -> None:
            await send_log(self, said)
            ended.set()

    listening, port = bind_unused_port()
    server = HTTPServer(Application([("/", Log)]))
    server.add_sockets([listening])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(SOON):
            await ended.wait()
    server.stop()


async def test_nobody_is_waited_for_who_sends_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for files, which come at a pace of their own."""
    monkeypatch.setattr(paces, "_LONGEST", 0.3)

    class Form(RequestHandler):
        def post(self) -> None:
            self.write("whole")

    @stream_request_body
    class File(Receiving):
        set_default_headers = RequestHandler.set_default_headers

        async def prepare(self) -> None:
            self._hear(1 << 20)

        def data_received(self, chunk: bytes) -> None:
            pass

        def post(self) -> None:
            self.write("whole")

    service = SimpleNamespace(folders=SimpleNamespace(later=asyncio.ensure_future))
    listening, port = bind_unused_port()
    server = server_of(Application([("/form", Form), ("/file", File)], binder=service), 1024)
    server.add_sockets([listening])
    for path, whole in (("form", False), ("file", True)):
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        lines = (f"POST /{path} HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 10")
        writing.write("\r\n".join((*lines, "", "12345")).encode())
        await asyncio.sleep(1)
        with suppress(ConnectionError):
            writing.write(b"67890")
            await writing.drain()
        async with asyncio.timeout(SOON):
            assert (b"whole" in await reading.read()) is whole
        writing.close()
    server.stop()


async def test_a_stranger_sends_a_form_for_no_longer_than_it_takes_to_be_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever stands before the page's token is read by nobody, and has an end."""
    monkeypatch.setattr(receiving, "_HEARD_OUT", 0.2)

    class Form(UploadForm):
        def set_default_headers(self) -> None:
            pass

        async def _page(self, failure: Failure | None = None) -> str:
            return failure.message if failure else ""

    service: Any = SimpleNamespace(
        bans=SimpleNamespace(check=lambda address: None),
        folders=SimpleNamespace(limit=MIB, later=asyncio.ensure_future),
    )
    listening, port = bind_unused_port()
    server = HTTPServer(Application([("/", Form)], binder=service), max_body_size=MIB)
    server.add_sockets([listening])
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n"
    head += b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    field = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
    for before in (b"", field):
        reading, writing = await asyncio.open_connection("127.0.0.1", port)
        writing.write(head + before + bytes(4 * _UNKNOWN))
        async with asyncio.timeout(SOON):
            answer = await reading.read()
        assert b" 403 " in answer and b"open too long" in answer
        writing.close()
    server.stop()


async def test_uploads_at_once_have_room_for_all_of_them(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path)
    home = layout.home("ana")
    home.mkdir(parents=True)
    layout.run.mkdir(exist_ok=True)
    tmp_path.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(home, 200_611, 200_611)
    space = DiskUsage(layout, Limits(home=2 * MIB))
    nobody = cast(PersonVolumes, None)
    folders = PersonFolders(layout, volumes=nobody, space=space, limit=10 * MIB)
    ana = Person("ana", "")
    begin = (folders.upload(ana, HOME, "", f"{number}", 3 * MIB // 2) for number in range(3))
    begun = await asyncio.gather(*begin, return_exceptions=True)
    try:
        assert sum(isinstance(upload, NoSpace) for upload in begun) == 2
    finally:
        for upload in begun:
            if not isinstance(upload, BaseException):
                await upload.close()
        space.close()
    assert not list(home.iterdir())
    upload = await folders.upload(ana, HOME, "", "x", 1)
    await upload.write(b"x")
    assert await upload.finish() == "x", "what was given up claims nothing"


async def test_what_has_come_is_not_kept_free_a_second_time(tmp_path: Path) -> None:
    """A disk with room for two files takes both, also when most of the first is there already."""
    disk = tmp_path / "disk"
    with small_disk(disk):
        layout = DataDirectory(disk)
        for user, uid in (("ana", 200_612), ("bob", 200_613)):
            layout.home(user).mkdir(parents=True)
            os.chown(layout.home(user), uid, uid)
        for folder in (tmp_path, disk, layout.homes):
            folder.chmod(0o711)
        nobody, space = cast(PersonVolumes, None), DiskUsage(layout, Limits())
        folders = PersonFolders(layout, volumes=nobody, space=space, limit=100 * MIB)
        ana, bob = Person("ana", ""), Person("bob", "")
        leave_free(disk, 34 * MIB)
        first = await folders.upload(ana, HOME, "", "first", 20 * MIB)
        try:
            with pytest.raises(NoSpace):
                await folders.upload(bob, HOME, "", "second", 16 * MIB)
            for _ in range(19):
                await first.write(bytes(MIB))
            second = await folders.upload(bob, HOME, "", "second", 12 * MIB)
            with pytest.raises(NoSpace):
                await folders.upload(bob, HOME, "", "third", 6 * MIB)
            await second.close()
        finally:
            await first.close()
            space.close()
