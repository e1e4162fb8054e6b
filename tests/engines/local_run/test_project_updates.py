"""A start brings the project to the launched commit, and nothing a person wrote is ever lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sandboxhub import Client, SandboxHub, whoever_runs_it

from binderhub_ext.core.launch import Files, Launch
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.updates import Keep, State, Update, What
from binderhub_ext.engines.local.build import LocalBuilder

FIRST = {"a.txt": "a1\n", "b.txt": "b1\n", "gone.txt": "g\n", "nb.ipynb": "{}"}
SECOND = {"a.txt": "a2\n", "b.txt": "b2\n", "nb.ipynb": '{"cells": []}', "new/c.txt": "c\n"}

# Each is edited as a person does it: by a program in their server.
EDIT = """
open('a.txt', 'w').write('mine')
open('mine.txt', 'w').write('untracked')
import os; os.remove('nb.ipynb')
"""


def versions(hub: SandboxHub, name: str) -> tuple[Launch, Launch]:
    """Launches of two commits of one repository by the same person."""
    (one, folder), (two, _) = hub.repository(FIRST, name), hub.repository(SECOND, name)
    user = name.partition("/")[0]
    first = hub.launch(user, commit=one, project=folder)
    return first, hub.launch(user, commit=two, project=folder)


def files(hub: SandboxHub, launch: Launch) -> Mapping[str, str]:
    project = hub.layout.home(launch.user) / launch.project
    return {
        str(path.relative_to(project)): path.read_text()
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


def update_of(events: list[dict[str, Any]]) -> Update | None:
    """What a start told of an update; it is told once."""
    found = [event["update"] for event in events if "update" in event]
    assert len(found) <= 1
    return Update.from_fields(found[0]) if found else None


async def edited(hub: SandboxHub, client: Client, launch: Launch) -> None:
    """Start, edit and stop."""
    update = update_of(await client.start(launch))
    assert update is not None and update.state is State.CREATED
    answer = await client.run(launch.user, EDIT)
    assert not answer.error
    await client.stop(launch.user)


async def test_what_nobody_touched_becomes_the_commit(sandbox_hub: SandboxHub) -> None:
    hub = sandbox_hub
    first, second = versions(hub, f"ada-{hub.kind}/plain")
    async with hub.client() as client:
        await client.start(first)
        await client.stop(first.user)
        events = await client.start(second)
        update = update_of(events)
        assert update and update.state is State.UPDATED
        assert files(hub, second) == SECOND
        assert update.counts == {What.ADDED: 1, What.UPDATED: 3, What.REMOVED: 1}
        (told,) = [event for event in events if event["message"] == update.sentence]
        assert Sentence.received(told["message"], told).data == update.sentence.data
        await client.stop(first.user)

        # the same again does not even start the program
        assert update_of(await client.start(second)) is None
        await client.stop(first.user)


@whoever_runs_it
@pytest.mark.parametrize("keep", [Keep.MINE, Keep.THEIRS])
async def test_what_the_person_wrote_stays(sandbox_hub: SandboxHub, keep: Keep) -> None:
    hub = sandbox_hub
    first, second = versions(hub, f"ben-{hub.kind}-{keep}/edited")
    second = hub.launch(second.user, commit=second.commit, project=second.project, keep=keep)
    async with hub.client() as client:
        await edited(hub, client, first)
        builder = LocalBuilder(data_dir=str(hub.data))
        planned = None if hub.given_away else await builder.preview(second)
        before = files(hub, second)
        update = update_of(await client.start(second))
        assert update and update.state is State.UPDATED
        # With theirs, what was deleted is simply there again.
        assert update.conflicts == (1 if keep is Keep.THEIRS else 2)
        now = files(hub, second)
        await client.stop(second.user)
    assert second.commit
    short = second.commit.short
    beside = {
        Keep.MINE: {"a.txt": "mine"},
        Keep.THEIRS: {"a.txt": "a2\n", f"a.mine-{short}.txt": "mine", "nb.ipynb": '{"cells": []}'},
    }
    for name, content in {"mine.txt": "untracked", "b.txt": "b2\n", **beside[keep]}.items():
        assert now[name] == content
    assert ("nb.ipynb" in now) is (keep is Keep.THEIRS)
    assert "a.txt" in now[f"incoming-{short}.md"]
    if planned:
        assert planned.edited == ("a.txt", "nb.ipynb")
        assert {c.path: c.what for c in planned.changes} == {c.path: c.what for c in update.changes}
        assert before["a.txt"] == "mine" and "new/c.txt" not in before


@whoever_runs_it
async def test_two_starts_at_once_with_different_commits(sandbox_hub: SandboxHub) -> None:
    hub = sandbox_hub
    first, second = versions(hub, f"cem-{hub.kind}/both")
    other = hub.launch(first.user, "two", commit=second.commit, project=second.project)
    async with hub.client() as client:
        await edited(hub, client, first)
        told = await asyncio.gather(client.start(first), client.start(other))
        assert all(events[-1]["ready"] for events in told)
        now = files(hub, first)
        assert now["a.txt"] == "mine" and now["mine.txt"] == "untracked"
        assert now["b.txt"] in ("b1\n", "b2\n")
        assert not list((hub.layout.home(first.user) / first.project).parent.glob(".binder-*"))
        for server in ("one", "two"):
            await client.stop(first.user, server)


@whoever_runs_it
async def test_nothing_kept_is_new_each_time(sandbox_hub: SandboxHub) -> None:
    hub = sandbox_hub
    _, second = versions(hub, f"dov-{hub.kind}/none")
    none = hub.launch(second.user, commit=second.commit, project=second.project, files=Files.NONE)
    async with hub.client() as client:
        for _ in range(2):
            update = update_of(await client.start(none))
            assert update and update.state is State.CREATED
            await client.stop(none.user)


@whoever_runs_it
async def test_files_that_are_kept_no_longer(sandbox_hub: SandboxHub) -> None:
    """A project without its fetched commit still starts; one that is not there is refused."""
    hub = sandbox_hub
    first, second = versions(hub, f"eve-{hub.kind}/swept")
    async with hub.client() as client:
        await edited(hub, client, first)
        for launch in (first, second):
            assert launch.commit
            hub.layout.bundle(launch.commit).unlink()
        before = files(hub, first)
        assert update_of(await client.start(second)) is None
        assert files(hub, first) == before
        await client.stop(first.user)
        stranger = hub.launch(f"fay-{hub.kind}", commit=first.commit, project=first.project)
        with pytest.raises(Exception, match="no longer kept here"):
            await client.start(stranger)
