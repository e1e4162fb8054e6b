"""A hundred packages of conda on the `local` engine, against the linking of their files.

The channel is made here, as tests make theirs: this machine's Python and 99 packages, of 40 files
each; packages of conda-forge are larger, and their number is what linking and solving take.
    cold   solved, downloaded, unpacked and linked, with the server's packages; those are there
    warm   another environment of packages that are kept
    again  the same environment is wanted a second time
    links  `cp -al` of what *warm* made: an environment cannot take less

Usage: python bench/conda.py [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from build import Figures, build, make_source

from binderhub_ext.engines.local.build import LocalBuilder

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from condachannel import PYTHON, Package, make_channel, python_package

NUMBER, FILES = 99, 40


def packages() -> list[Package]:
    """Each needs the one before."""
    made = [python_package()]
    for number in range(NUMBER):
        name = f"part{number}"
        place = f"site-packages/{name}"
        files = {f"{place}/m{i}.py": f"def f():\n    return {i}\n" * 40 for i in range(FILES)}
        needed = f"part{number - 1}" if number else "python"
        made.append(Package(name, dict(files), depends=["python", needed], noarch=True))
    return made


def environment_file(number: int) -> str:
    return f"channels: [lab]\ndependencies:\n- python\n- part{number - 1}\n"


def link(folder: Path, new: Path) -> None:
    subprocess.run(["cp", "-al", str(folder), str(new)], check=True)


async def one_round(work: Path, channels: Path, figures: Figures) -> None:
    """All measurements once."""
    builder = LocalBuilder(
        data_dir=str(work / "data"),
        conda_channel_alias=channels.as_uri(),
        conda_shared_channels=["lab"],
        default_python=PYTHON,
    )
    await builder.prepare()
    names = ("first", "second")
    first, second = (
        make_source(work / name, {"environment.yml": environment_file(NUMBER) + f"# {name}\n"})
        for name in names
    )
    with figures.measure("cold"):
        await build(builder, first)
    with figures.measure("warm"):
        await build(builder, second)
    with figures.measure("again"):
        await build(builder, second)
    made = builder.store.path((await builder.plan(second)).key)
    with figures.measure("links"):
        link(made, work / "linked")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    figures = Figures()
    with TemporaryDirectory(prefix="bench-") as channels:
        make_channel(Path(channels) / "lab", packages())
        for path in (Path(channels), *Path(channels).rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
                await one_round(Path(folder), Path(channels), figures)
    print(f"Medians of {rounds} rounds, {os.cpu_count()} cores.\n")
    print("| | wall | against links | processors |")
    print("| --- | ---: | ---: | ---: |")
    for name in ("cold", "warm", "links"):
        cells = figures.cell(name, 0), figures.ratio("links", name, 0), figures.cell(name, 1)
        print(f"| {name} | {' | '.join(cells)} |")
    again = median(wall for wall, _ in figures.seconds["again"]) * 1000
    print(f"| again | {again:.0f} ms | | |")


if __name__ == "__main__":
    asyncio.run(main())
