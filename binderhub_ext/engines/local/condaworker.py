"""Solve, or take as locked, and link conda's packages; a program of its own, run in a sandbox.

A program because the library's threads crash Python at its exit, so this one ends hard. No code of
any package runs here: scripts that packages have for when they were linked are left for the
build. Says on its output what it does, and ends with one of `Ending`.

Usage: python -m binderhub_ext.engines.local.condaworker ORDER.json
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import sys
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_SOME = 20
_OTHER_HASH = "hash mismatch"
"""As the library says it."""


class Ending(IntEnum):
    """How it ended."""

    DONE = 0
    UNSOLVABLE = 3
    FAILED = 4
    CONTRADICTED = 5
    CHANGED = 6
    UNFIT = 7


class Refused(Exception):
    """Ends the program: how, and with what words."""

    def __init__(self, ending: Ending, words: str) -> None:
        super().__init__(words)
        self.ending = ending


@dataclass(frozen=True)
class Order:
    """What is to be linked.

    Attributes:
        channels: addresses, the most important first.
        specs: what is asked for, as conda writes it.
        prefix: the environment; empty or missing.
        cache: where packages and what channels have is kept; on the disk of the prefix.
        copies: whether files must not be shared with the cache.
        files: packages that are locked: `url`, `sha256`, `md5`, `depends` and what the address
            says of each; then nothing is solved, and `specs` is what they have to fulfil.
    """

    channels: list[str]
    specs: list[str]
    prefix: str
    cache: str
    copies: bool = False
    files: list[dict[str, Any]] = field(default_factory=list)


class Progress:
    """Says how many packages are there, now and then."""

    def __init__(self, total: int) -> None:
        self.total, self.downloaded, self.linked = total, 0, 0

    def on_download_completed(self, download_idx: int) -> None:
        self.downloaded += 1
        if self.downloaded % _SOME == 0:
            log(f"Downloaded {self.downloaded} packages")

    def on_link_complete(self, index: int) -> None:
        self.linked += 1
        if self.linked % _SOME == 0 or self.linked == self.total:
            log(f"Linked {self.linked} of {self.total} packages")


def log(words: str) -> None:
    print(words, flush=True)


async def work(order: Order) -> Ending:
    """Solve or check, and link; see the module."""
    import rattler

    client = rattler.Client.authenticated_client()
    records = locked(order) if order.files else await solved(order, client)
    size = sum(record.size or 0 for record in records)
    log(f"{len(records)} packages" + (f", {size >> 20} MiB packed" if size else ""))
    progress: Any = Progress(len(records))
    try:
        await rattler.install(
            records,
            target_prefix=order.prefix,
            cache_dir=Path(order.cache, "packages"),
            show_progress=False,
            execute_link_scripts=False,
            reporter=progress,
            client=client,
        )
    except Exception as error:  # the library has one kind for all that goes wrong
        if _OTHER_HASH in str(error):
            raise Refused(Ending.CHANGED, _named(order, str(error))) from error
        raise
    if order.copies:
        own_files(Path(order.prefix))
    return Ending.DONE


async def solved(order: Order, client: Any) -> list[Any]:
    """The packages that fulfil what is asked for."""
    import rattler
    from rattler.exceptions import SolverError

    gateway = rattler.Gateway(cache_dir=Path(order.cache, "channels"), client=client)
    log(f"Looking at {len(order.channels)} channels")
    try:
        return await rattler.solve(
            sources=[rattler.Channel(url) for url in order.channels],
            specs=[rattler.MatchSpec(spec, strict=False) for spec in order.specs],
            gateway=gateway,
            virtual_packages=rattler.VirtualPackage.detect(),
        )
    except SolverError as error:
        raise Refused(Ending.UNSOLVABLE, str(error)) from error


def locked(order: Order) -> list[Any]:
    """The packages of a lock, if they fulfil what is asked for and this machine what they need.

    The library checks what it downloads by its hashes, but not what lies on this machine.
    """
    import rattler

    for file in order.files:
        if file["url"].startswith("file:") and not is_as_locked(file):
            raise Refused(Ending.CHANGED, file["name"])
    records = {file["name"]: _record(file) for file in order.files}
    for spec in order.specs:
        wanted = rattler.MatchSpec(spec, strict=False)
        name = wanted.name.normalized if wanted.name else ""
        found = records.get(name)
        if not found or not wanted.matches(found):
            has = f"{name} {found.version}" if found else ""
            raise Refused(Ending.CONTRADICTED, f"{spec}\t{has}")
    here = {each.name.normalized: each for each in _virtual()}
    for need in {need for file in order.files for need in file["depends"] if need[:2] == "__"}:
        machine = here.get(need.split()[0])
        if not machine or not rattler.MatchSpec(need, strict=False).matches(machine):
            raise Refused(Ending.UNFIT, need)
    return list(records.values())


def is_as_locked(file: dict[str, Any]) -> bool:
    """Whether a file of this machine has the hashes that a lock says."""
    path = Path(unquote(urlsplit(file["url"]).path))
    told = {name: file[name] for name in ("sha256", "md5") if file[name]}
    with path.open("rb") as content:
        for name, digest in told.items():
            content.seek(0)
            if hashlib.file_digest(content, name).hexdigest() != digest:
                return False
    return True


def _record(file: dict[str, Any]) -> Any:
    import rattler

    number = file["build"].rpartition("_")[2]
    package = rattler.PackageRecord(
        name=file["name"],
        version=file["version"],
        build=rattler.BuildString(file["build"]),
        build_number=int(number) if number.isdecimal() else 0,
        subdir=file["subdir"],
        depends=file["depends"],
        sha256=bytes.fromhex(file["sha256"]) or None,
        md5=bytes.fromhex(file["md5"]) or None,
    )
    name = file["url"].rpartition("/")[2]
    return rattler.RepoDataRecord(package, name, file["url"], file["channel"])


def _virtual() -> list[Any]:
    """What this machine is, as packages."""
    import rattler

    found = [each.into_generic() for each in rattler.VirtualPackage.detect()]
    return [
        rattler.PackageRecord(
            name=each.name,
            version=str(each.version),
            build=each.build_string,
            build_number=0,
            subdir="noarch",
        )
        for each in found
    ]


def _named(order: Order, words: str) -> str:
    """The package that words of the library are about."""
    return next((file["name"] for file in order.files if file["url"] in words), words)


def own_files(prefix: Path) -> None:
    """Make every file of an environment one of its own, shared with no cache."""
    for folder, _, names in os.walk(prefix):
        for name in names:
            path = Path(folder, name)
            status = path.lstat()
            if status.st_nlink > 1 and not path.is_symlink():
                partial = path.with_name(f".{name}.own")
                shutil.copy2(path, partial)
                partial.replace(path)


def read_order(path: str) -> Order:
    fields: dict[str, Any] = json.loads(Path(path).read_text())
    return Order(**fields)


def main() -> None:
    try:
        ending = asyncio.run(work(read_order(sys.argv[1])))
    except Refused as refusal:
        log(str(refusal))
        ending = refusal.ending
    except Exception as error:  # whatever the library makes of channels and packages of strangers
        log(f"{type(error).__name__}: {error}")
        ending = Ending.FAILED
    sys.stdout.flush()
    os._exit(ending)


if __name__ == "__main__":
    main()
