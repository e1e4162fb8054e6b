"""Update of a project of many files against `git pull`, nbgitpuller and `git status`, paired.

Measures, for a project nobody edited whose repository changed in 0, 10 and 1,000 files:
    check  the Hub's look at the project before it starts anything
    sync   the program that brings the project to the commit, from the bundle
    pull   `git pull` of the same commit from a folder on the same disk
    puller nbgitpuller from the same folder, if it is installed
    status `git status`, which is what a person's own look costs

and, from a Git server on loopback, the first fetch of a repository whose history is large: all of
it as is the default, and with a depth of 1, against `git clone` of all, of depth 1 and without the
contents of old files; and the usage figures of many homes. Every round has fresh copies; figures
are medians.

Usage: python bench/sync.py [--files N] [--rounds N] [--homes N] [--commits N]
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from statistics import median
from tempfile import TemporaryDirectory

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Repo
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy
from binderhub_ext.storage.sync.call import command, is_current
from binderhub_ext.storage.sync.words import Request
from binderhub_ext.storage.usage import last_usage, usage

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from gitserver import GitServer, RepoHandle

URL = "https://git.example.org/owner/name"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def git(folder: Path, *words: str) -> str:
    argv = ["git", *words]
    return subprocess.check_output(argv, cwd=folder, env=ENVIRONMENT, text=True).strip()


def commit(work: Path, files: int, changed: int) -> str:
    """Commit a project of `files` files of 1-2 kB, the first `changed` of them new."""
    for number in range(changed if (work / "0").exists() else files):
        path = work / str(number % 100) / f"{number}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{changed} line {number}\n" * 80)
    git(work, "add", "-A")
    git(work, "commit", "-q", "--allow-empty", "-m", f"{changed} changes")
    return git(work, "rev-parse", "HEAD")


def request(folder: Path, bundles: Path, commit_id: str) -> Request:
    bundle = str(bundles / f"{commit_id}.bundle")
    return Request(bundle, commit_id, URL, str(folder.parent), folder.name, "main")


def run(argv: list[str], folder: Path = Path("/")) -> None:
    subprocess.run(
        argv,
        cwd=folder,
        env=ENVIRONMENT,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def ways(work: Path) -> dict[str, Callable[[Path, Request], object]]:
    """Each way to bring a copy of the project to a commit."""
    pull = ["git", "pull", "-q", "--ff-only", str(work), "main"]
    puller = [sys.executable, "-m", "nbgitpuller.pull", str(work), "main"]
    found: dict[str, Callable[[Path, Request], object]] = {
        "check": lambda folder, wanted: is_current(wanted),
        "sync": lambda folder, wanted: run(command(wanted)),
        "pull": lambda folder, wanted: run(pull, folder),
        "status": lambda folder, wanted: run(["git", "status", "--porcelain"], folder),
    }
    if importlib.util.find_spec("nbgitpuller"):
        found["puller"] = lambda folder, wanted: run([*puller, str(folder)])
    return found


def compare(scratch: Path, files: int, rounds: int) -> None:
    work, project = scratch / "work", scratch / "home" / "project"
    work.mkdir()
    project.parent.mkdir()
    git(work, "init", "-q", "-b", "main")
    first = commit(work, files, files)
    git(work, "bundle", "create", "-q", str(scratch / f"{first}.bundle"), "HEAD")
    created = timed(lambda: run(command(request(project, scratch, first))))
    cloned = timed(lambda: run(["git", "clone", "-q", f"file://{work}", str(scratch / "clone")]))
    print(f"first launch, {files} files: {created:.2f} s, git clone {cloned:.2f} s")
    base = first
    for changed in (0, 10, 1000):
        wanted = commit(work, files, changed) if changed else base
        git(work, "bundle", "create", "-q", str(scratch / f"{wanted}.bundle"), "HEAD")
        report(changed, measure(scratch, project, work, wanted, rounds))
        run(command(request(project, scratch, wanted)))
        base = wanted


def measure(scratch: Path, project: Path, work: Path, wanted: str, rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in ways(work).items():
            folder = scratch / "copy" / "project"
            shutil.copytree(project, folder, symlinks=True)
            # A copy has other inode numbers than Git remembers; nobody pays for that here.
            git(folder, "status")
            git(folder, "remote", "set-url", "origin", str(work))
            do = request(folder, scratch, wanted)
            times.setdefault(name, []).append(timed(partial(way, folder, do)))
            shutil.rmtree(folder.parent)
    return {name: median(seconds) for name, seconds in times.items()}


def report(changed: int, times: dict[str, float]) -> None:
    figures = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in times.items())
    print(f"{changed} changes: {figures}; sync/pull = {times['sync'] / times['pull']:.2f}")


def long_history(server: GitServer, commits: int) -> RepoHandle:
    """Twenty files of 50 kB that do not compress, one of them new in each commit."""
    handle = server.create_repo("owner/long", {"README.md": "long"})
    noise = random.Random(1)
    for number in range(commits):
        handle.commit({f"data/{number % 20}.bin": noise.randbytes(50_000)})
    handle.git("config", "uploadpack.allowFilter", "true")
    return handle


async def fetch(data: Path, url: str, depth: int) -> None:
    """Fetch as a first launch does, into a bundle."""
    policy = AddressPolicy(allowed_networks=["127.0.0.0/8"])
    provider = GitProvider(data_dir=str(data), policy=policy, depth=depth)
    commit = await provider.resolve(Repo("git", url, url), "main")
    await provider.fetch(commit, unheard)


def first_fetches(scratch: Path, commits: int, rounds: int) -> None:
    times: dict[str, list[float]] = {}
    folder = scratch / "fetched"
    with GitServer(scratch / "served") as server:
        url = long_history(server, commits).url
        clone = ["git", "clone", "-q", url, str(folder)]
        found: dict[str, Callable[[], object]] = {
            "ours, all": lambda: asyncio.run(fetch(folder, url, 0)),
            "ours, depth 1": lambda: asyncio.run(fetch(folder, url, 1)),
            "git clone": lambda: run(clone),
            "git clone, depth 1": lambda: run([*clone, "--depth=1"]),
            "git clone, partial": lambda: run([*clone, "--filter=blob:none"]),
        }
        for _ in range(rounds):
            for name, way in found.items():
                times.setdefault(name, []).append(timed(way))
                shutil.rmtree(folder)
    told = ", ".join(f"{name} {median(seconds):.2f} s" for name, seconds in times.items())
    print(f"first fetch, {commits} commits of 50 kB: {told}")


def figures(scratch: Path, homes: int) -> None:
    """Usage of many homes of 20 files, measured once and then remembered."""
    layout = DataDirectory(scratch / "data")
    names = [PurePosixPath(f"home{number}") for number in range(homes)]
    for name in names:
        (layout.homes / name).mkdir(parents=True)
        for number in range(20):
            (layout.homes / name / str(number)).write_bytes(b"x" * 5000)
    now = time.time()
    measured = timed(
        lambda: [usage(layout, layout.homes, name, now=now, max_age=60) for name in names]
    )
    known = timed(lambda: [last_usage(layout, layout.homes, name) for name in names])
    print(f"usage of {homes} homes: measured {measured:.2f} s, remembered {known * 1000:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--commits", type=int, default=500)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        compare(Path(folder), options.files, options.rounds)
        first_fetches(Path(folder), options.commits, options.rounds)
        figures(Path(folder), options.homes)


if __name__ == "__main__":
    main()
