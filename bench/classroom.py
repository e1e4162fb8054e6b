"""A class opens one link at once, on the `local` engine of this machine.

First some people one after the other, each waiting for their server; then as many as asked for,
all within the same second. Measured from the click to `ready`; servers stay running.

Usage: python bench/classroom.py [--people N] [--at-once N]
`--at-once` sets `Launcher.concurrent_starts`; without it the default is measured.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from gitserver import GitServer  # noqa: E402
from homehub import HomeHub  # noqa: E402

from binderhub_ext.client import Client  # noqa: E402

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
        measure(hub, token, repo.url, given.people)


def measure(hub: HomeHub, token: str, repo: str, people: int) -> None:
    waiting = [Client(hub.main_page, one) for one in _tokens(hub, token, people + ALONE + 1)]
    launch(waiting.pop(), repo)  # builds, and finds cold caches
    alone = [launch(waiting.pop(), repo) for _ in range(ALONE)]
    began = time.perf_counter()
    with ThreadPoolExecutor(people) as everybody:
        took = list(everybody.map(launch, waiting, [repo] * people))
    all_of_it = time.perf_counter() - began
    ready = sorted(one for one in took if one)
    print(f"{os.cpu_count()} processors; {len(ready)} of {people} people got a server")
    if not ready or not all(alone):
        return
    each = median(filter(None, alone))
    print(f"alone {each:.1f} s; first {ready[0]:.1f} s, median {median(ready):.1f} s")
    print(f"last {ready[-1]:.1f} s, all over after {all_of_it:.1f} s")
    print(f"last / the same number one after the other: {ready[-1] / (each * people):.2f}")


def launch(person: Client, repo: str) -> float | None:
    """Seconds from the click to `ready`, or nothing if that does not come."""
    began = time.perf_counter()
    *_, last = person.events(person.start(repo))
    if last["phase"] == "ready":
        return time.perf_counter() - began
    print(last["message"].strip(), file=sys.stderr)
    return None


def _tokens(hub: HomeHub, token: str, count: int) -> list[str]:
    """A token of each of so many new people."""
    tokens = []
    with requests.Session() as admin:
        admin.headers["Authorization"] = f"Bearer {token}"
        for number in range(count):
            user = f"{hub.url}/hub/api/users/student{number}"
            admin.post(user).raise_for_status()
            tokens.append(admin.post(f"{user}/tokens", json={}).json()["token"])
    return tokens


if __name__ == "__main__":
    main()
