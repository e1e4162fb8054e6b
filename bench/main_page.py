"""The main page of somebody with many projects and servers.

A real JupyterHub with the service as its own process; the engine is the in-memory one of the tests,
servers are the tests' small one. What is measured is how long the service takes for a page, as it
says in its own log, from the request to its last byte: that has its questions to the Hub and to the
database. The first look, at rows that nobody has seen, stands by itself. Beside them stand what the
Hub says it took for its answers, the time of processors that either process took for a page, which
a busy machine changes less, and the bytes of the page and of what a browser loads with it, as they
are sent.

Usage: python bench/main_page.py [--projects 200] [--servers 50] [--rounds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import os
import re
import sqlite3
import sys
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "service")]

from gitserver import GitServer  # noqa: E402
from realhub import PREFIX, Browser, RealHub  # noqa: E402

_AT_ONCE = 5
_PAGE = re.compile(rf"200 GET {re.escape(PREFIX)} (\d+\.\d) ms")
_ANSWER = re.compile(r"200 GET /hub/api/(?:users|shares|share-codes)/many\S* .*?(\d+\.\d+)ms")
_LINKED = re.compile(r'(?:src|href)="([^"]+\.(?:css|js|svg)(?:\?[^"]*)?)"')


async def launch_all(browser: Browser, repos: GitServer, count: int) -> None:
    """Servers of a person that run, each in a project of its own."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def launch(number: int) -> None:
        async with turns:
            repos.create_repo(f"many/project-{number}", {"requirements.txt": "", "n": str(number)})
            told = await browser.told(
                await browser.launch(repo=f"{repos.url}/many/project-{number}")
            )
            assert told[-1]["phase"] == "ready", told[-1]

    await asyncio.gather(*map(launch, range(count)))


def add_projects(database: Path, count: int) -> None:
    """Projects without a server: launches on record, as the last one is."""
    with sqlite3.connect(database) as records:
        columns = [row[1] for row in records.execute("pragma table_info(launches)")]
        row = dict(
            zip(columns, records.execute("select * from launches limit 1").fetchone(), strict=True)
        )
        marks = ", ".join("?" * len(columns))
        begun = datetime.fromisoformat(row["started"])
        for number in range(count):
            name = f"more-{number}"
            row |= {"id": name, "server": name, "project": f"projects/more/{name}"}
            row |= {"repo": f"more/{name}", "repo_url": f"https://example.org/more/{name}"}
            row |= {"request": f"v2/git/https%3A%2F%2Fexample.org%2Fmore%2F{name}/HEAD"}
            row |= {"started": str(begun - timedelta(minutes=number))}
            records.execute(f"insert into launches values ({marks})", list(row.values()))


def service_of(hub: int) -> int:
    """The process of the service, which the Hub started."""
    children = Path(f"/proc/{hub}/task/{hub}/children").read_text().split()
    called = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return next(pid for pid, name in called.items() if b"binderhub_ext" in name)


def processor_time(pid: int) -> float:
    """Milliseconds of processors that a process took so far."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(after_name[11]) + int(after_name[12])
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


async def weigh(browser: Browser, page: str) -> int:
    """Bytes of what a page names, as they are sent."""
    total = 0
    for path in sorted(set(_LINKED.findall(page))):
        headers = {"Accept-Encoding": "gzip"}
        async with browser.session.get(browser.url(path), headers=headers) as answer:
            told = answer.headers.get("Content-Length")
            packed = "gzip" in answer.headers.get("Content-Encoding", "")
            body = await answer.read()
            total += int(told) if told else _packed(body) if packed else len(body)
    return total


def _packed(body: bytes) -> int:
    return len(gzip.compress(body, 6))


async def measure(root: Path, projects: int, servers: int, rounds: int) -> None:
    with GitServer(root / "git") as repos, RealHub(root) as hub:
        async with hub.browser("many") as browser:
            await browser.get(PREFIX)
            await launch_all(browser, repos, servers)
            add_projects(hub.root / "data/binder.sqlite", projects - servers)
            already = len(hub.log.read_text())
            page = (await browser.get(PREFIX)).text
            processes = hub.process.pid, service_of(hub.process.pid)
            before = [*map(processor_time, processes)]
            for _ in range(rounds):
                page = (await browser.get(PREFIX)).text
            taken = [processor_time(pid) - at for pid, at in zip(processes, before, strict=True)]
            shown = page.count('<li class="binder-row"')
            weight = await weigh(browser, page)
        log = hub.log.read_text()[already:]
    took, answers = (list(map(float, each.findall(log))) for each in (_PAGE, _ANSWER))
    first, *took = took
    looks = rounds + 1
    print(f"{shown} rows shown of {projects}, {servers} servers run; {len(took)} pages")
    print(f"on the server: median {median(took):.0f} ms, at most {max(took):.0f} ms")
    print(f"the first look: {first:.0f} ms")
    print(f"of it the Hub, {len(answers) / looks:.0f} answers: {sum(answers) / looks:.0f} ms")
    of_hub, of_service = (each / rounds for each in taken)
    print(f"processors: service {of_service:.0f} ms, Hub {of_hub:.0f} ms for each page")
    print(f"page {len(page.encode()) / 1000:.0f} kB, what it loads {weight / 1000:.0f} kB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--projects", type=int, default=200)
    parser.add_argument("--servers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), asked.projects, asked.servers, asked.rounds))


if __name__ == "__main__":
    main()
