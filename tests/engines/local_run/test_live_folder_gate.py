"""The Hub's own word on folders of the machine, whatever a ticket says."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import replace
from pathlib import Path

import pytest
from sandboxhub import ORDINARY, Failed, SandboxHub, one_will_do

from binderhub_ext.core.folders import repo_of
from binderhub_ext.core.launch import Files, Launch
from binderhub_ext.core.projects import project_folder
from binderhub_ext.core.repo import Commit

ordinary = one_will_do("sandbox_hub")


@pytest.fixture
def folder(sandbox_hub: SandboxHub) -> Path:
    folder = sandbox_hub.root / f"work-{secrets.token_hex(4)}" / "around" / "mine"
    folder.mkdir(parents=True)
    (folder / "here.txt").write_text("here")
    give(sandbox_hub, folder.parents[1], folder.parent, folder)
    return folder


def give(hub: SandboxHub, *paths: Path) -> None:
    for path in paths if hub.given_away else ():
        os.chown(path, ORDINARY, ORDINARY, follow_symlinks=False)


def offered(hub: SandboxHub, folder: Path, user: str, **fields: object) -> Launch:
    """A launch of a folder, with the record that the command would write."""
    id = secrets.token_hex(8)
    record = {"path": str(folder), "user": user, "inode": folder.stat().st_ino, "made": 0}
    hub.layout.offers.mkdir(mode=0o700, exist_ok=True)
    file = hub.layout.offers / id
    file.touch(0o600)
    file.write_text(json.dumps(record | fields))
    give(hub, hub.layout.offers, file)
    repo = repo_of(id, folder)
    return hub.launch(user, commit=Commit(repo, "HEAD", "1"), project=project_folder(repo))


async def refused(hub: SandboxHub, launch: Launch) -> str:
    async with hub.client() as client:
        with pytest.raises(Failed) as error:
            await client.start(launch)
        return str(error.value)


@ordinary
async def test_nobody_else_sees_it(sandbox_hub: SandboxHub, folder: Path) -> None:
    launch = offered(sandbox_hub, folder, "fay")
    assert "only for them" in await refused(sandbox_hub, replace(launch, user="fox"))
    unknown = replace(launch, commit=Commit(repo_of("0" * 16, folder), "HEAD", "1"))
    assert "offered on another machine" in await refused(sandbox_hub, unknown)
    renamed = replace(launch, commit=Commit(repo_of("0" * 16, Path("/a/x")), "HEAD", "1"))
    assert "offered on another machine" in await refused(sandbox_hub, renamed)


@ordinary
async def test_it_has_to_be_what_was_offered(sandbox_hub: SandboxHub, folder: Path) -> None:
    for fields in (
        {"inode": 1},
        {"device": os.makedev(240, 1)},
        {"path": str(folder / "gone")},
    ):
        launch = offered(sandbox_hub, folder, "fay", **fields)
        why = await refused(sandbox_hub, launch)
        assert "not there any more" in why or "another machine" in why
    readable = offered(sandbox_hub, folder, "fay")
    assert readable.commit is not None
    (sandbox_hub.layout.offers / readable.commit.repo.name.split("/")[0]).chmod(0o644)
    assert "another machine" in await refused(sandbox_hub, readable)
    home = offered(sandbox_hub, sandbox_hub.root, "fay")
    assert "your home" in await refused(sandbox_hub, home)


@ordinary
async def test_no_link_leads_elsewhere(sandbox_hub: SandboxHub, folder: Path) -> None:
    """As code would do it that works in a folder around it."""
    launch = offered(sandbox_hub, folder, "fay")
    around, elsewhere = folder.parent, folder.parents[1] / "elsewhere"
    around.rename(elsewhere)
    around.symlink_to(elsewhere)
    assert "not there any more" in await refused(sandbox_hub, launch)


@ordinary
async def test_a_whole_home_and_a_folder(sandbox_hub: SandboxHub, folder: Path) -> None:
    launch = replace(offered(sandbox_hub, folder, "fay"), files=Files.HOME)
    async with sandbox_hub.client() as client:
        await client.start(launch)
        code = f"import os; os.chdir({launch.project!r}); print(os.listdir(), os.listdir('..'))"
        answer = await client.run("fay", f"{code}; open('made.txt', 'w').close()")
        assert answer.output == "['here.txt'] ['mine']\n"
        await client.stop("fay")
    assert sorted(path.name for path in folder.iterdir()) == ["here.txt", "made.txt"]
    (place,) = sandbox_hub.layout.homes.glob(f"*/{launch.project}")
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("sandbox_hub", ["root"], indirect=True)
async def test_a_hub_of_root_opens_none(sandbox_hub: SandboxHub, folder: Path) -> None:
    assert "runs as root" in await refused(sandbox_hub, offered(sandbox_hub, folder, "fay"))
