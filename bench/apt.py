"""An `apt.txt` on the `local` engine against the `docker` engine with the uv build pack, paired.

Of 1, 5 and 20 packages of Debian, in a repository that asks for nothing else:
    cold   nothing is there: no base system, no package of Python, no layer of an image
    warm   the base system and the environment of an empty repository, or the layers of its image,
           are there; the packages are new, and downloaded
    more   another environment with the same `apt.txt`, and one package of Python more
    disk   bytes that the packages take beyond the environment of an empty repository

Wall times: what a daemon computes is not told apart. Every round has a base image of its own, so
that Docker's build cache knows nothing of it and need not be emptied.

Usage: python bench/apt.py [--rounds N] [--without-docker]
(as root, or as somebody with subordinate ids; with a Docker daemon and the tests' base image)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import uuid4

from build import Figures, build, disk, make_source

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from dockerhub import BASE, docker, remove_images  # noqa: E402

from binderhub_ext.core.progress import unheard  # noqa: E402
from binderhub_ext.engines.docker.build import DockerBuilder  # noqa: E402
from binderhub_ext.engines.local.build import LocalBuilder  # noqa: E402
from binderhub_ext.repos.base import Source  # noqa: E402

PACKAGES = (
    *("figlet", "cowsay", "graphviz", "jq", "tree"),
    *("bc", "curl", "file", "gawk", "gnuplot-nox", "less", "make", "nano", "rsync", "sqlite3"),
    *("time", "unzip", "wget", "xz-utils", "zip"),
)
COUNTS = (1, 5, 20)
CASES = ("cold", "warm", "more")
MORE = "six\n"

Sizes = dict[str, list[int]]


def make_sources(work: Path) -> dict[int, tuple[Source, Source]]:
    """By the number of packages: a repository with these, and one with a package of Python too."""
    sources = {}
    for count in COUNTS:
        files = {"apt.txt": "\n".join(PACKAGES[:count]) + "\n"}
        one = make_source(work / f"{count}", files)
        more = make_source(work / f"{count}-more", {**files, "requirements.txt": MORE})
        sources[count] = one, more
    return sources


async def ours(work: Path, figures: Figures, sizes: Sizes) -> None:
    """All measurements of the `local` engine once."""
    data = work / "data"
    builder = LocalBuilder(data_dir=str(data))
    await builder.prepare()
    sources = make_sources(work / "repos")
    for count, (source, more) in sources.items():
        nothing = LocalBuilder(data_dir=str(work / "nothing"))
        with figures.measure(f"ours cold {count}"):
            await build(nothing, source)
        shutil.rmtree(nothing.data_dir)
        if count == COUNTS[0]:  # has the base made, and is no measurement
            await build(builder, sources[COUNTS[-1]][1])
            await forget(builder, sources[COUNTS[-1]][1])
        before = disk(data)
        with figures.measure(f"ours warm {count}"):
            await build(builder, source)
        sizes.setdefault(f"ours {count}", []).append(disk(data) - before)
        with figures.measure(f"ours more {count}"):
            await build(builder, more)
        await forget(builder, source, more)


async def forget(builder: LocalBuilder, *sources: Source) -> None:
    """Remove environments and the systems that they run on; the base stays."""
    for source in sources:
        assert builder.store.remove((await builder.plan(source)).key)
    await builder.systems.collect_garbage(set(), -1, 3600)


async def theirs(work: Path, figures: Figures, sizes: Sizes) -> None:
    """All measurements of the `docker` engine once."""
    prefix = f"bah-bench-{uuid4().hex}/"

    def builder_on_new_base() -> DockerBuilder:
        base = f"{prefix}base:{uuid4().hex}"
        file = f"FROM {BASE}\nLABEL bench={base}\n"
        argv = ["docker", "buildx", "build", "--load", "--quiet", "--tag", base, "-"]
        subprocess.run(argv, input=file, text=True, check=True, stdout=subprocess.DEVNULL)
        given = {"buildpack": "uv", "base_image": base, "image_prefix": prefix}
        return DockerBuilder(data_dir=str(work / "docker"), **given)

    try:
        builder = builder_on_new_base()
        plain = await builder.build(await builder.plain(), None, unheard)
        for count, (source, more) in make_sources(work / "docker-repos").items():
            nothing = builder_on_new_base()
            with figures.measure(f"docker cold {count}"):
                await build(nothing, source)
            with figures.measure(f"docker warm {count}"):
                await build(builder, source)
            image = await builder.find(await builder.plan(source))
            assert image
            sizes.setdefault(f"docker {count}", []).append(size(image.name) - size(plain.name))
            with figures.measure(f"docker more {count}"):
                await build(builder, more)
    finally:
        remove_images(prefix)


def size(image: str) -> int:
    (facts,) = json.loads(docker("image", "inspect", image))
    return int(facts["Size"])


def table(figures: Figures, sizes: Sizes, engines: list[str]) -> str:
    lines = [
        "| | " + " | ".join(f"{count} packages" for count in COUNTS) + " |",
        "| --- |" + " ---: |" * len(COUNTS),
    ]
    for case in CASES:
        for engine in engines:
            cells = [figures.cell(f"{engine} {case} {count}", 0) for count in COUNTS]
            lines.append(f"| {engine}, {case} | {' | '.join(cells)} |")
        if len(engines) > 1:
            names = [f"{case} {count}" for count in COUNTS]
            ratios = [figures.ratio(f"ours {name}", f"docker {name}", 0) for name in names]
            lines.append(f"| docker against ours, {case} | {' | '.join(ratios)} |")
    for engine in engines:
        cells = [f"{median(sizes[f'{engine} {count}']) / 2**20:.0f} MiB" for count in COUNTS]
        lines.append(f"| {engine}, disk | {' | '.join(cells)} |")
    return "\n".join(lines)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--without-docker", action="store_true")
    given = parser.parse_args()
    figures, sizes = Figures(), Sizes()
    engines = {"ours": ours, **({} if given.without_docker else {"docker": theirs})}
    for number in range(given.rounds):
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
        with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o711)
            for name in ("repos", "docker-repos"):
                (Path(folder) / name).mkdir()
            for measure in engines.values():
                await measure(Path(folder), figures, sizes)
    print(f"Medians of {given.rounds} rounds, {os.cpu_count()} cores.\n")
    print(table(figures, sizes, list(engines)))


if __name__ == "__main__":
    asyncio.run(main())
