"""A repository with a `uv.lock` on the `local` engine against pip and uv, paired in one run.

The project asks for numpy, pandas and matplotlib; uv makes its lock once.
    ours   a lock that nobody built is built, with the server's packages; every package is in a
           cache, as another project's lock has the same ones, and the environment of an empty
           repository is there
    again  the same environment is wanted a second time
    pip    `python -m venv` and `pip install -r` of what the lock holds, with hashes; in a cache
    sync   `uv sync --frozen`, the same without a server

Usage: python bench/lockfiles.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from build import PACKAGES, Figures, build, make_source, pip

from binderhub_ext.engines.local import uv
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.repos.base import Source


def project_file(name: str) -> str:
    """What `pyproject.toml` holds."""
    return f"""\
[project]
name = "{name}"
version = "1"
requires-python = ">=3.11"
dependencies = {PACKAGES!r}
"""


def run_uv(folder: Path, *words: str) -> str:
    argv = [uv.executable(), *words, "--quiet", "--python", sys.executable]
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout


def locked(project: Path) -> Source:
    """A repository of the project that a folder gets, with its lock."""
    project.mkdir()
    text = project_file(project.name)
    (project / "pyproject.toml").write_text(text)
    run_uv(project, "lock")
    lock = (project / "uv.lock").read_text()
    return make_source(project.with_suffix(".repo"), {"pyproject.toml": text, "uv.lock": lock})


async def one_round(work: Path, figures: Figures) -> None:
    """All measurements once."""
    before = locked(work / "before")
    project = work / "project"
    source = locked(project)
    (work / "locked.txt").write_text(run_uv(project, "export", "--frozen"))

    builder = LocalBuilder(data_dir=str(work / "data"))
    await builder.prepare()
    await build(builder, before)
    with figures.measure("ours"):
        await build(builder, source)
    with figures.measure("again"):
        await build(builder, source)
    asked = ["-r", str(work / "locked.txt")]
    pip(work / "venv", work / "pip-cache", asked)
    with figures.measure("pip"):
        pip(work / "venv", work / "pip-cache", asked)
    run_uv(project, "sync", "--frozen")
    shutil.rmtree(project / ".venv")
    with figures.measure("sync"):
        run_uv(project, "sync", "--frozen")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    figures = Figures()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            await one_round(Path(folder), figures)
    print(f"Medians of {rounds} paired rounds, {os.cpu_count()} cores.\n")
    print("| | wall | pip against it | processors | pip against it |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in ("ours", "pip", "sync"):
        pairs = ((figures.cell(name, i), figures.ratio(name, "pip", i)) for i in (0, 1))
        print(f"| {name} | {' | '.join(cell for pair in pairs for cell in pair)} |")
    again = median(wall for wall, _ in figures.seconds["again"]) * 1000
    print(f"| again | {again:.0f} ms | | | |")


if __name__ == "__main__":
    asyncio.run(main())
