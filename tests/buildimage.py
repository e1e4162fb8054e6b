"""Build the environment of a small repository in a process of its own; prints its name.

Usage: buildimage.py DATA_DIR OPTIONS, with the builder's options and, on standard input, the
repository's files, both as JSON.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from binderhub_ext.core.progress import Event
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.repos.base import Source


def git(folder: str, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.check_output(command, cwd=folder, text=True).strip()


async def main() -> None:
    builder = LocalBuilder(data_dir=sys.argv[1], **json.loads(sys.argv[2]))
    with TemporaryDirectory() as folder:
        for name, content in json.load(sys.stdin).items():
            Path(folder, name).write_text(content)
        git(folder, "init", "-q", "-b", "main")
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "--allow-empty", "-m", "one")
        bundle = Path(folder, "bundle")
        git(folder, "bundle", "create", "-q", str(bundle), "HEAD", "main")
        repo = Repo("git", "x", "https://example.org/x")
        commit = Commit(repo, "main", git(folder, "rev-parse", "HEAD"))
        source = Source(commit, bundle, git(folder, "rev-parse", "HEAD^{tree}"))
        image = await builder.build(await builder.plan(source), source, tell)
        print(image.name, flush=True)


def tell(event: Event) -> None:
    print(event.message, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
