"""A class opens one link at once, on the `local` engine of this machine.

First some people one after the other, each waiting for their server; then as many as asked for,
all within the same second. Measured from the click to `ready`; servers stay running.

Usage: python bench/classroom.py [--people N] [--at-once N]
`--at-once` sets `Launcher.concurrent_starts`; without it the default is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import aiohttp

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from gitserver import GitServer  # noqa: E402
from homehub import HomeHub  # noqa: E402

from binderhub_ext.service.sse import Parser  # noqa: E402

ALONE = 5
_CONFIG = """
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
c.JupyterHub.services = [{"name": "bench", "api_token": "TOKEN"}]
c.JupyterHub.load_roles = [
    {"name": "bench", "services": ["bench"], "scopes": ["admin:users", "tokens"]}
]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--at-once", type=int, default=0)
    given = parser.parse_args()
    config = f"c.Launcher.concurrent_starts = {given.at_once}" if given.at_once else ""
    token = secrets.token_hex()
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        GitServer(Path(folder), "127.0.0.1") as git,
        HomeHub.running(_CONFIG.replace("TOKEN", token) + config) as hub,
    ):
        repo = git.create_repo("bench/class", {"index.ipynb": "{}"})
        asyncio.run(measure(hub, token, repo.url, given.people))


async def measure(hub: HomeHub, token: str, repo: str, people: int) -> None:
    tokens = await _people(hub, token, people + ALONE + 1)
    await launch(hub, tokens.pop(), repo)  # builds, and finds cold caches
    alone = [await launch(hub, tokens.pop(), repo) for _ in range(ALONE)]
    began = time.perf_counter()
    took = await asyncio.gather(*(launch(hub, token, repo) for token in tokens))
    all_of_it = time.perf_counter() - began
    ready = sorted(one for one in took if one)
    print(f"{os.cpu_count()} processors; {len(ready)} of {people} people got a server")
    if not ready or not all(alone):
        return
    each = median(filter(None, alone))
    print(f"alone {each:.1f} s; first {ready[0]:.1f} s, median {median(ready):.1f} s")
    print(f"last {ready[-1]:.1f} s, all over after {all_of_it:.1f} s")
    print(f"last / the same number one after the other: {ready[-1] / (each * people):.2f}")


async def launch(hub: HomeHub, token: str, repo: str) -> float | None:
    """Seconds from the click to `ready`, or nothing if that does not come."""
    began, parser = time.perf_counter(), Parser()
    headers, patience = {"Authorization": f"Bearer {token}"}, aiohttp.ClientTimeout(total=1800)
    async with aiohttp.ClientSession(headers=headers, timeout=patience) as session:
        launches = f"{hub.main_page}api/launches"
        async with session.post(launches, json={"repo": repo}) as response:
            id = (await response.json())["id"]
        async with session.get(f"{launches}/{id}/events") as response:
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    if event["phase"] == "ready":
                        return time.perf_counter() - began
                    if event["phase"] == "failed":
                        print(event["message"].strip(), file=sys.stderr)
    return None


async def _people(hub: HomeHub, token: str, count: int) -> list[str]:
    """A token of each of so many new people."""
    tokens = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as admin:
        for number in range(count):
            user = f"{hub.url}/hub/api/users/student{number}"
            async with admin.post(user):
                pass
            async with admin.post(f"{user}/tokens", json={}) as response:
                tokens.append((await response.json())["token"])
    return tokens


if __name__ == "__main__":
    main()
