"""What one repository's build can do to others: the same for every engine that builds images.

The tests of each such engine import these, and say which builder it is (`attacked`).
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dockersources import Built, build, make_source

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.base import Builder
from binderhub_ext.storage.checkout import temporary_checkout

__all__ = [
    "test_a_cache_of_one_repository_is_not_anothers",
    "test_a_cache_of_steps_for_others_is_not_anothers",
    "test_a_dockerfile_cannot_pass_for_another_environment",
    "test_no_program_of_a_repository_runs_on_this_machine",
    "test_what_came_of_a_cache_is_not_anothers",
]

SERVER = (
    "RUN printf '#!/bin/sh\\necho 5.0.0\\n' >/usr/local/bin/jupyterhub-singleuser"
    " && chmod 755 /usr/local/bin/jupyterhub-singleuser"
)
"""All that is looked at when an image is examined, in a moment."""


@dataclass(frozen=True)
class Attacked:
    """A builder, and how tests look at what it built.

    Attributes:
        base: image to begin from.
        label: of an image, with its key.
        read: gives the text of a file, by image and path.
        labels: gives those of an image.
    """

    builder: Builder
    base: str
    label: str
    read: Callable[[str, str], str]
    labels: Callable[[str], Awaitable[Mapping[str, str]]]

    async def built(self, folder: Path, *lines: str) -> Built:
        """The image of a Dockerfile, which says what its steps saw."""
        dockerfile = "\n".join([f"FROM {self.base}", SERVER, *lines, ""])
        return await build(self.builder, make_source(folder, {"Dockerfile": dockerfile}))


async def test_a_cache_of_one_repository_is_not_anothers(
    attacked: Attacked, tmp_path: Path
) -> None:
    """`RUN --mount=type=cache` names the same folder in every build on the machine."""
    mount = "RUN --mount=type=cache,target=/root/.cache/pip"
    theirs = f"{mount} touch /root/.cache/pip/poison"
    await attacked.built(tmp_path / "fork", theirs)
    mine = f"{mount} ls -A /root/.cache/pip >/found; touch /root/.cache/pip/mine"
    found = await attacked.built(tmp_path / "original", mine)
    assert attacked.read(found.image.name, "/found") == ""


async def test_a_cache_of_steps_for_others_is_not_anothers(
    attacked: Attacked, tmp_path: Path
) -> None:
    """`ONBUILD` is run when something of ours is built on an image."""
    disobedient = 'ENTRYPOINT ["/bin/echo"]'
    mount = "ONBUILD RUN --mount=type=cache,target=/cache"
    await attacked.built(tmp_path / "fork", disobedient, f"{mount} touch /cache/poison")
    mine = f"{mount} ls -A /cache >/found"
    found = await attacked.built(tmp_path / "original", disobedient, mine)
    assert attacked.read(found.image.name, "/found") == ""


async def test_what_came_of_a_cache_is_not_anothers(attacked: Attacked, tmp_path: Path) -> None:
    """The same step, with a cache that its Dockerfile names, and in which somebody else was."""
    mount = "RUN --mount=type=cache,id=named,target=/cache"
    look = f"{mount} sleep 2; ls -A /cache >/found"
    poison = [f"FROM {attacked.base} AS other", f"{mount} touch /cache/poison"]
    lines = [*poison, f"FROM {attacked.base}", SERVER, look, "COPY --from=other /etc/passwd /last"]
    files = {"Dockerfile": "\n".join([*lines, ""])}
    await build(attacked.builder, make_source(tmp_path / "fork", files))
    found = await attacked.built(tmp_path / "original", look)
    assert attacked.read(found.image.name, "/found") == ""


async def test_a_dockerfile_cannot_pass_for_another_environment(
    attacked: Attacked, tmp_path: Path
) -> None:
    """Neither by labels of its own nor by what is in names of files."""
    other = "a" * 32
    spoofed = await attacked.built(tmp_path / "one", f"LABEL {attacked.label}={other}")
    labels = await attacked.labels(spoofed.image.name)
    assert labels[attacked.label] == spoofed.image.key != other
    name = f'x" {attacked.label}="{other}'
    files = {"requirements.txt": f"-r {name}\n", name: "# nothing\n"}
    # Installers differ in what they read such a name as.
    with suppress(BuildFailed):
        await build(attacked.builder, make_source(tmp_path / "two", files))
    assert other not in [image.key for image in await attacked.builder.images()]


def hostile_repository(marker: Path) -> dict[str, str]:
    """Files that Git takes for a repository whose configuration names a program to run."""
    config = f"""
[core]
    repositoryformatversion = 1
    bare = false
    worktree = .
    fsmonitor = "touch {marker}; false"
[extensions]
    partialClone = evil
[remote "evil"]
    url = ./
    promisor = true
    uploadpack = "touch {marker}; false"
"""
    head = {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{'a' * 40}\n"}
    return {"config": config, "objects/empty": "", **head}


async def test_no_program_of_a_repository_runs_on_this_machine(
    attacked: Attacked, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    dockerfile = f"FROM {attacked.base}\n{SERVER}\n"
    files = {**hostile_repository(marker), "Dockerfile": dockerfile}
    source = make_source(tmp_path / "repo", files)
    await build(attacked.builder, source)
    assert not marker.exists()
    async with temporary_checkout(source, tmp_path) as there:
        command = ["git", "show", "HEAD", "--"]
        await asyncio.to_thread(subprocess.run, command, cwd=there, capture_output=True)
    assert marker.exists(), "it would run if Git were asked there"
