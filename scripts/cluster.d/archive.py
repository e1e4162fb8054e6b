#!/usr/bin/env python3
"""Write an image as an archive that `docker load` and `ctr images import` read.

Layers are archives of file systems that are there already, or made of single files.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

EPOCH = "1970-01-01T00:00:00Z"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main() -> None:
    """Make what the arguments say, whole or not at all."""
    options = parser().parse_args()
    layers = [*options.layer]
    draft = Path(f"{options.archive}.new")
    if options.add:
        made = Path(f"{options.archive}.layer")
        write_layer(made, options.add, busybox=options.busybox)
        layers.append(made)
    write_archive(draft, options, layers)
    if options.add:
        made.unlink()
    draft.rename(options.archive)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("archive", type=Path)
    made.add_argument("name", help="name:tag of the image")
    made.add_argument("--layer", type=Path, action="append", default=[])
    made.add_argument("--add", action="append", default=[], help="FILE:PLACE, a program")
    made.add_argument("--busybox", action="store_true", help="a link for each of its programs")
    made.add_argument("--command", action="append", default=[])
    made.add_argument("--entrypoint", action="append", default=[])
    made.add_argument("--user", default="")
    made.add_argument("--env", action="append", default=[])
    made.add_argument("--directory", default="/")
    return made


def write_layer(place: Path, added: list[str], *, busybox: bool) -> None:
    """A layer of a few programs."""
    with tarfile.open(place, "w") as layer:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            layer.addfile(entry)
        for file, _, target in (one.partition(":") for one in added):
            entry = tarfile.TarInfo(target.lstrip("/"))
            entry.size, entry.mode = Path(file).stat().st_size, 0o755
            with Path(file).open("rb") as content:
                layer.addfile(entry, content)
        for name in busybox_programs() if busybox else ():
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            layer.addfile(entry)


def busybox_programs() -> list[str]:
    listed = subprocess.run(["busybox", "--list"], capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if name != "busybox"]


def write_archive(place: Path, options: argparse.Namespace, layers: list[Path]) -> None:
    digests = [digest(layer) for layer in layers]
    config = json.dumps(description(options, digests)).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [
        {"Config": name, "RepoTags": [options.name], "Layers": [f"{one}.tar" for one in digests]}
    ]
    with tarfile.open(place, "w") as archive:
        add(archive, name, config)
        for one, layer in zip(digests, layers, strict=True):
            archive.add(layer, f"{one}.tar")
        add(archive, "manifest.json", json.dumps(manifest).encode())


def description(options: argparse.Namespace, digests: list[str]) -> dict[str, object]:
    """What an image says of itself."""
    named = {one.partition("=")[0] for one in options.env}
    return {
        "architecture": architecture(),
        "os": "linux",
        "created": EPOCH,
        "config": {
            "Env": [*([] if "PATH" in named else [PATH]), *options.env],
            "Cmd": options.command or None,
            "Entrypoint": options.entrypoint or None,
            "User": options.user,
            "WorkingDir": options.directory,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one}" for one in digests]},
        "history": [{"created": EPOCH} for _ in digests],
    }


def architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    main()
