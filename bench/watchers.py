"""Many people watch one build; what a cached launch costs through `/build`.

A real JupyterHub with the service as its own process; the engine is the in-memory one of the
tests, so that nothing but the service and the Hub is measured.

    watchers   N event streams of one launch: memory and processor time of the service's process
               per stream, and how long after the first stream the last one has each event. The
               streams are read by this process, whose own time is in that figure.
    cached     launches whose image is there, to `ready`, against the same server started and
               stopped by the plain Hub API, in turns.

Usage: python bench/watchers.py [--watchers 2000] [--events 30] [--rounds 10] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import quote

import aiohttp
from yarl import URL

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "service")]

from gitserver import GitServer  # noqa: E402
from realhub import PREFIX, Browser, RealHub  # noqa: E402

_PROGRAM = b"binderhub_ext\0service"


def service_pid(hub: RealHub) -> int:
    """The process of the service: the Hub's child that is one."""
    children = Path(f"/proc/{hub.process.pid}/task/{hub.process.pid}/children").read_text().split()
    for child in children:
        if _PROGRAM in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise RuntimeError("the service is not running")


def memory(pid: int) -> int:
    """Bytes of a process that are its own and in memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no memory figure")


def processor(pid: int) -> float:
    """Seconds of processor time a process used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


class Watcher:
    """One event stream, read as cheaply as this language allows."""

    def __init__(self, host: str, port: int, head: bytes, seen: dict[str, list[float]]) -> None:
        self._address = host, port
        self._head = head
        self._seen = seen

    async def __aenter__(self) -> Watcher:
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        self._writer.write(self._head)
        status = await self._reader.readline()
        assert b" 200 " in status, status
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def read(self) -> None:
        """Note when each event came, to the stream's end."""
        async for line in self._reader:
            if line.startswith(b"data:"):
                self._seen.setdefault(json.loads(line[5:])["message"], []).append(time.monotonic())
            if b'"ready"' in line or b'"failed"' in line:
                return


async def watch(root: Path, repos: GitServer, people: int, events: int) -> dict[str, float]:
    """`people` streams of one build with `events` lines, a second apart at the most."""
    config = f"c.MemoryBuilder.seconds = {45 + people / 100}\nc.MemoryBuilder.lines = {events}"
    repos.create_repo("bench/watched", {"requirements.txt": "watched"})
    with RealHub(root, config) as hub:
        pid, token = service_pid(hub), await hub.token("ana")
        async with hub.browser() as client:
            auth = {"Authorization": f"token {token}"}
            body = {"repo": f"{repos.url}/bench/watched"}
            started = await client.api("POST", "api/launches", json=body, headers=auth)
            path = started.json()["events"]
            await _until_building(client, auth)
        return await _watch_all(hub, pid, path, token, people)


async def _until_building(client: Browser, auth: dict[str, str]) -> None:
    while True:
        reply = await client.api("GET", "api/launches", headers=auth)
        if reply.json()["launches"][0]["phase"] == "building":
            return
        await asyncio.sleep(0.1)


async def _watch_all(
    hub: RealHub, pid: int, path: str, token: str, people: int
) -> dict[str, float]:
    url = URL(hub.service)
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: token {token}\r\n\r\n".encode()
    seen: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        before, began = memory(pid), processor(pid)
        watchers = []
        for _ in range(people):
            watcher = Watcher(str(url.host), int(url.port or 0), head, seen)
            watchers.append(await stack.enter_async_context(watcher))
        connected = processor(pid)
        reading = [asyncio.create_task(watcher.read()) for watcher in watchers]
        await asyncio.sleep(3)
        after = memory(pid)
        known = set(seen)
        await asyncio.gather(*reading)
        told = processor(pid)
    spreads = [
        max(times) - min(times)
        for name, times in seen.items()
        if name not in known and len(times) == people
    ]
    return {
        "watchers": people,
        "KiB each": (after - before) / people / 1024,
        "ms of processor to connect each": 1000 * (connected - began) / people,
        "ms of processor each event each": 1000 * (told - connected) / people / len(spreads),
        "events": len(spreads),
        "last behind first, median ms": 1000 * median(spreads),
        "last behind first, most ms": 1000 * max(spreads),
    }


async def cached(root: Path, repos: GitServer, rounds: int) -> dict[str, float]:
    """Seconds of a cached launch and of the Hub's own start of the same server, in turns."""
    repos.create_repo("bench/cached", {"requirements.txt": "cached"})
    spec = f"git/{quote(f'{repos.url}/bench/cached', safe='')}/main"
    with RealHub(root) as hub:
        token = await hub.token("ana")
        async with aiohttp.ClientSession(headers={"Authorization": f"token {token}"}) as session:
            await _launch(hub, session, spec)
            ours, plain = [], []
            for _ in range(rounds):
                await _stop(hub, session)
                ours.append(await _launch(hub, session, spec))
                await _stop(hub, session)
                plain.append(await _start(hub, session))
    return {
        "rounds": rounds,
        "cached /build, median ms": 1000 * median(ours),
        "plain Hub API, median ms": 1000 * median(plain),
        "ours costs, median of pairs, ms": 1000
        * median(one - other for one, other in zip(ours, plain, strict=True)),
    }


async def _launch(hub: RealHub, session: aiohttp.ClientSession, spec: str) -> float:
    began = time.monotonic()
    url = URL(f"{hub.service}{PREFIX}build/{spec}", encoded=True)
    async with session.get(url, headers={"Accept": "text/event-stream"}) as response:
        last = (await response.read()).strip().rpartition(b"\n")[2]
        assert b'"ready"' in last, last
    return time.monotonic() - began


async def _start(hub: RealHub, session: aiohttp.ClientSession) -> float:
    path = f"{hub.hub}/hub/api/users/ana/servers/{await _name(hub, session)}"
    began = time.monotonic()
    async with session.post(path) as response:
        assert response.status in (201, 202), await response.text()
    async with _lines(session, f"{path}/progress") as lines:
        async for line in lines:
            if b'"ready": true' in line:
                return time.monotonic() - began
    raise RuntimeError("it did not start")


async def _stop(hub: RealHub, session: aiohttp.ClientSession) -> None:
    name = await _name(hub, session)
    path = f"{hub.hub}/hub/api/users/ana/servers/{name}"
    while True:
        async with session.delete(path) as response:
            if response.status != 202:
                return
        await asyncio.sleep(0.05)


async def _name(hub: RealHub, session: aiohttp.ClientSession) -> str:
    async with session.get(f"{hub.hub}/hub/api/users/ana?include_stopped_servers") as response:
        servers = (await response.json())["servers"]
    return next(name for name in servers if name.startswith("cached"))


@asynccontextmanager
async def _lines(session: aiohttp.ClientSession, url: str) -> AsyncIterator[aiohttp.StreamReader]:
    async with session.get(url) as response:
        yield response.content


async def run(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    with TemporaryDirectory(prefix="bench-") as folder, GitServer(Path(folder) / "git") as repos:
        root = Path(folder)
        figures = {}
        for name in ("watchers", "cached"):
            (root / name).mkdir()
        if arguments.watchers:
            figures["watchers"] = await watch(
                root / "watchers", repos, arguments.watchers, arguments.events
            )
        if arguments.rounds:
            figures["cached"] = await cached(root / "cached", repos, arguments.rounds)
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--watchers", type=int, default=2000)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    figures = asyncio.run(run(arguments))
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, rows in figures.items():
        print(name)
        for row, value in rows.items():
            print(f"    {row:36} {value:10.2f}")


if __name__ == "__main__":
    main()
