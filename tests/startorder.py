"""What every start does and in which order (`engines/preparing.py`), for the Hub of any engine.

The tests of each engine import these and say which Hub it is (`hub`), so that they share the Hub
those have anyway.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sandboxhub import Client, Failed, SandboxHub

from binderhub_ext.core.launch import Files, Launch, Project, VolumeRequest
from binderhub_ext.core.volumes import SHOWN
from binderhub_ext.storage.mounts import STATE_HOME
from binderhub_ext.storage.volumes import VolumeStore

__all__ = [
    "client",
    "test_a_start_in_order",
    "test_content_comes_into_the_working_directory",
    "test_refused_before_anything_is_made",
]

REPOSITORY = {"readme.txt": "from the repository", "data/own.txt": "the repository's own"}


@pytest.fixture
async def client(hub: SandboxHub) -> AsyncIterator[Client]:
    async with hub.client() as client:
        yield client


@pytest.mark.parametrize("files", Files)
async def test_a_start_in_order(
    hub: SandboxHub, client: Client, files: Files, tmp_path: Path
) -> None:
    """Of somebody without a folder: all is there before the server, and it is theirs.

    Then links are put in the way of the mounts: nothing is made behind them, and nothing is left
    of the server that was refused.
    """
    user = f"order-{files}"
    launch = with_volumes(hub, user, files)
    await client.start(launch)
    home = seen_home(hub, launch)
    project = (home if files is Files.NONE else hub.layout.home(user)) / launch.project
    # The project came before anything was made in its folder, so all of it is there.
    for path, content in REPOSITORY.items():
        assert (project / path).read_text() == content
    places = [home / "wide", home / "wide/away", project / "data", project / SHOWN]
    assert {path.lstat().st_uid for path in places} == {project.lstat().st_uid}
    # What lies elsewhere is shown in the project too, in a folder that goes with the server.
    (shown,) = (path / "shown" for path in run_directories(hub) if (path / "shown").is_dir())
    assert sorted(path.name for path in shown.iterdir()) == [".gitignore", f"away-{user}"]
    assert list((project / SHOWN).iterdir()) == []
    await client.stop(user)
    assert run_directories(hub) == []
    for place in () if files is Files.NONE else (home / "wide", project / "data"):
        aside = place.rename(place.with_name("aside"))
        place.symlink_to(tmp_path)
        shown = r"~/(wide/away|projects/.*/data) cannot be shown.*a link or a file is in its way"
        with pytest.raises(Failed, match=shown):
            await client.start(launch)
        assert list(tmp_path.iterdir()) == [] and run_directories(hub) == []
        place.unlink()
        aside.rename(place)


@pytest.mark.parametrize("files", Files)
async def test_content_comes_into_the_working_directory(
    hub: SandboxHub, client: Client, files: Files
) -> None:
    """Each repository is a project of its own; nothing of the environment's is hidden by one."""
    user = f"content-{files}"
    commit, project = hub.repository(REPOSITORY, f"content/{files}")
    week, course = (hub.repository({"x.txt": name}, f"content/{name}") for name in ("week", "c"))
    content = (Project(*week, "week"), Project(*course, "deep/inside"))
    launch = hub.launch(user, commit=commit, project=project, files=files, content=content)
    events = await client.start(launch)
    told = [event["message"] for event in events if event["message"].startswith("In week")]
    assert told == [f"In week: Your project is at {week[0].id[:7]}, 1 file."]
    home = seen_home(hub, launch) if files is Files.NONE else hub.layout.home(user)
    for one, name in zip(content, ("week", "c"), strict=True):
        assert (home / one.folder / "x.txt").read_text() == name
        assert (home / one.folder / ".git").is_dir()
        place = home / project / one.place
        assert list(place.iterdir()) == [] and place.lstat().st_uid == home.lstat().st_uid
    assert (home / project / "readme.txt").exists()
    await client.stop(user)

    (new, _) = hub.repository({"x.txt": "new"}, "content/week")
    follows = replace(launch, content=(replace(content[0], commit=new), content[1]))
    update = [event for event in await client.start(follows) if "update" in event]
    if files is not Files.NONE:
        (told,) = (event["update"] for event in update)
        assert (told["state"], [c["path"] for c in told["changes"]]) == ("updated", ["week/x.txt"])
        assert (home / content[0].folder / "x.txt").read_text() == "new"
    await client.stop(user)

    in_the_way = replace(launch, content=(replace(content[0], place="data"),))
    with pytest.raises(Failed, match="/data has something in it"):
        await client.start(in_the_way)
    assert run_directories(hub) == []


async def test_refused_before_anything_is_made(hub: SandboxHub, client: Client) -> None:
    """An image that is gone, no name of one, and a volume that is gone."""
    launch = with_volumes(hub, "order-gone", Files.PROJECT)
    for image in ("0" * 32, "../../etc", "", "-x"):
        with pytest.raises(Failed, match="no longer kept"):
            await client.start(hub.launch("order-gone", image=image))
    store = VolumeStore(hub.layout)
    store.delete(next(v.id for v in store.all() if v.name == "away-order-gone"), "order-gone", 2.0)
    with pytest.raises(Failed, match="no volume “away-order-gone” for you"):
        await client.start(launch)
    state = hub.layout.state(launch.user, launch.project)
    assert not hub.layout.home(launch.user).exists() and not state.exists()
    assert run_directories(hub) == []


def with_volumes(hub: SandboxHub, user: str, files: Files) -> Launch:
    """A launch with a project, a volume over a folder of it, and one elsewhere in the home."""
    commit, project = hub.repository(REPOSITORY, f"order/{user}")
    places = {f"data-{user}": f"{project}/data", f"away-{user}": "wide/away"}
    for name in places:
        VolumeStore(hub.layout).create(name, user, 1.0)
    volumes = tuple(VolumeRequest(*each) for each in places.items())
    return hub.launch(user, commit=commit, project=project, files=files, volumes=volumes)


def seen_home(hub: SandboxHub, launch: Launch) -> Path:
    """The home that a running server sees."""
    match launch.files:
        case Files.HOME:
            return hub.layout.home(launch.user)
        case Files.PROJECT:
            return hub.layout.state(launch.user, launch.project) / STATE_HOME
        case Files.NONE:
            return next(path / "home" for path in run_directories(hub) if (path / "home").is_dir())


def run_directories(hub: SandboxHub) -> list[Path]:
    """Of servers of these tests' people, as far as nobody else's run."""
    return [path for path in hub.layout.run.glob("*/*") if path.is_dir()]
