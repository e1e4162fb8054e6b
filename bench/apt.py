"""An `apt.txt` on the `local` engine against the `docker` engine with the uv build pack, paired.

Of a repository that asks for packages of Debian and nothing else:
    cold   nothing is there: no base system, no package of Python, no layer of an image; 5 packages
    warm   the base system and the environment of an empty repository, or the layers of its image,
           are there; 1, 2, 5 and 20 packages are new, and downloaded
    more   another environment with the same `apt.txt`, and one package of Python more
    R      a repository of R, with Debian's R and IRkernel; `local` alone, the base system is there
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
COUNTS, COLD = (1, 2, 5, 20), 5
CASES = (f"cold {COLD}", *(f"{case} {count}" for count in COUNTS for case in ("warm", "more")))
MORE = "six\n"
OF_R = {"runtime.txt": "r-4.2-2023-06-13\n", "install.R": ""}

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
    nothing = LocalBuilder(data_dir=str(work / "nothing"))
    with figures.measure(f"ours cold {COLD}"):
        await build(nothing, sources[COLD][0])
    shutil.move(nothing.systems.root, builder.systems.root)
    await builder.systems.collect_garbage(set(), -1, 3600)
    for count, (source, more) in sources.items():
        before = disk(data)
        with figures.measure(f"ours warm {count}"):
            await build(builder, source)
        sizes.setdefault(f"ours warm {count}", []).append(disk(data) - before)
        with figures.measure(f"ours more {count}"):
            await build(builder, more)
    source = make_source(work / "repos" / "r", OF_R)
    with figures.measure("ours R"):
        await build(builder, source)


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
        sources = make_sources(work / "docker-repos")
        nothing = builder_on_new_base()
        with figures.measure(f"docker cold {COLD}"):
            await build(nothing, sources[COLD][0])
        for count, (source, more) in sources.items():
            with figures.measure(f"docker warm {count}"):
                await build(builder, source)
            image = await builder.find(await builder.plan(source))
            assert image
            sizes.setdefault(f"docker warm {count}", []).append(size(image.name) - size(plain.name))
            with figures.measure(f"docker more {count}"):
                await build(builder, more)
    finally:
        remove_images(prefix)


def size(image: str) -> int:
    (facts,) = json.loads(docker("image", "inspect", image))
    return int(facts["Size"])


def table(figures: Figures, sizes: Sizes, engines: list[str]) -> str:
    both = len(engines) > 1
    head = [*engines, *(["docker against ours"] if both else []), *(f"{e}, disk" for e in engines)]
    lines = [f"| | {' | '.join(head)} |", "| --- |" + " ---: |" * len(head)]
    for case in CASES:
        cells = [figures.cell(f"{engine} {case}", 0) for engine in engines]
        cells += [figures.ratio(f"ours {case}", f"docker {case}", 0)] if both else []
        taken = [sizes.get(f"{engine} {case}", []) for engine in engines]
        cells += [f"{median(each) / 2**20:.0f} MiB" if each else "" for each in taken]
        lines.append(f"| {case} | {' | '.join(cells)} |")
    lines.append(f"| R | {figures.cell('ours R', 0)} |{' |' * (len(head) - 1)}")
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
