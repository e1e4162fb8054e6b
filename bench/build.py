"""Builds of the `local` engine against `python -m venv` and pip, paired in one run.

Measures a repository that asks for numpy, pandas and matplotlib:
    cold   nothing is kept: every package is downloaded
    warm   every package is in a cache and the environment of an empty repository is there, as
           after the first `up`; the environment is new
    again  the same environment is wanted a second time
    more   a second environment with one package more: time, and disk it takes

pip installs the same into a new virtual environment: once the repository's packages with the
same server packages, which is what our environment holds, and once the repository's alone.
pip compiles bytecode of everything; we compile what a server imports.

Beside wall time stands the time of processors, which says more on a machine that is busy with
other things too.

Usage: python bench/build.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.base import Builder
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.repos.base import Source

PACKAGES = ["numpy", "pandas", "matplotlib"]
MORE = [*PACKAGES, "seaborn"]


def make_source(folder: Path, files: dict[str, str]) -> Source:
    """A repository of one commit with these files."""

    def git(*words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
        argv = ["git", *identity, *words]
        return subprocess.check_output(argv, cwd=folder, text=True).strip()

    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", "one")
    bundle = folder.with_suffix(".bundle")
    git("bundle", "create", "-q", str(bundle), "HEAD", "main")
    commit = Commit(Repo("git", folder.name, folder.name), "main", git("rev-parse", "HEAD"))
    return Source(commit, bundle, git("rev-parse", "HEAD^{tree}"))


async def build(builder: Builder, source: Source) -> None:
    """Plan and build, as a launch does."""
    await builder.build(await builder.plan(source), source, unheard)


def pip(folder: Path, cache: Path | None, packages: list[str]) -> None:
    """`python -m venv` and `pip install`."""
    shutil.rmtree(folder, ignore_errors=True)
    options = ["--cache-dir", str(cache)] if cache else ["--no-cache-dir"]
    # What CI machines set for their images would leave pip half of its work undone.
    env = {name: os.environ[name] for name in os.environ if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, env=env)
    install = [
        str(folder / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        *options,
        *packages,
    ]
    subprocess.run(install, check=True, env=env)


def disk(folder: Path) -> int:
    """Bytes beneath a folder, hardlinks counted once."""
    seen = set()
    for path, _, names in os.walk(folder):
        for name in (".", *names):
            status = os.lstat(Path(path, name))
            seen.add((status.st_dev, status.st_ino, status.st_blocks))
    return sum(blocks * 512 for _, _, blocks in seen)


def processor_time() -> float:
    """Seconds that this process and all it waited for spent computing."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class Figures:
    """Wall and processor seconds by what was measured, one pair per round."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[tuple[float, float]]] = {}

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        wall, busy = time.perf_counter(), processor_time()
        yield
        figures = time.perf_counter() - wall, processor_time() - busy
        self.seconds.setdefault(name, []).append(figures)
        load = os.getloadavg()[0]
        line = f"  {name}: {figures[0]:.2f} s, processors {figures[1]:.2f} s, load {load:.1f}"
        print(line, file=sys.stderr, flush=True)

    def cell(self, name: str, which: int) -> str:
        return f"{median(pair[which] for pair in self.seconds[name]):.1f} s"

    def ratio(self, name: str, other: str, which: int) -> str:
        """Median of the ratios of each round: the machine was nearly the same for both."""
        pairs = zip(self.seconds[other], self.seconds[name], strict=True)
        return f"{median(theirs[which] / ours[which] for theirs, ours in pairs):.1f}"


async def one_round(work: Path, figures: Figures) -> int:
    """All measurements once; returns the bytes the second environment took."""
    asked = {"b": PACKAGES, "c": MORE}
    sources = [
        make_source(work / name, {"requirements.txt": "\n".join(packages) + "\n"})
        for name, packages in asked.items()
    ]
    data = work / "data"
    builder = LocalBuilder(data_dir=str(data))
    base = list(builder.base_packages)
    with figures.measure("cold"):
        await build(builder, sources[0])
    with figures.measure("cold pip"):
        pip(work / "venv", None, [*base, *PACKAGES])
    with figures.measure("cold pip alone"):
        pip(work / "venv", None, PACKAGES)
    with figures.measure("again"):
        await build(builder, sources[0])

    await builder.prepare()
    assert builder.store.remove((await builder.plan(sources[0])).key)
    with figures.measure("warm"):
        await build(builder, sources[0])
    pip(work / "venv", work / "pip-cache", [*base, *PACKAGES])
    with figures.measure("warm pip"):
        pip(work / "venv", work / "pip-cache", [*base, *PACKAGES])
    with figures.measure("warm pip alone"):
        pip(work / "venv", work / "pip-cache", PACKAGES)

    before = disk(data)
    with figures.measure("more"):
        await build(builder, sources[1])
    return disk(data) - before


def table(figures: Figures, sizes: list[int]) -> str:
    row: Callable[..., str] = lambda *cells: f"| {' | '.join(cells)} |"  # noqa: E731
    lines = [
        row("", "ours", "venv + pip, same contents", "ratio", "venv + pip, without server"),
        row("---", "---:", "---:", "---:", "---:"),
    ]
    for name in ("cold", "warm"):
        for which, unit in enumerate(("", ", processors")):
            cells = [figures.cell(name, which), figures.cell(f"{name} pip", which)]
            cells.append(figures.ratio(name, f"{name} pip", which))
            lines.append(row(name + unit, *cells, figures.cell(f"{name} pip alone", which)))
    again = median(wall for wall, _ in figures.seconds["again"]) * 1000
    lines.append(row("again", f"{again:.0f} ms", "", "", ""))
    more = f"{figures.cell('more', 0)}, {median(sizes) / 2**20:.0f} MiB"
    lines.append(row("one package more", more, "", "", ""))
    return "\n".join(lines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    figures, sizes = Figures(), []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            sizes.append(await one_round(Path(folder), figures))
    print(f"Medians of {rounds} paired rounds, {os.cpu_count()} cores.\n")
    print(table(figures, sizes))


if __name__ == "__main__":
    asyncio.run(main())
