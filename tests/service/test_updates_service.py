"""Launches of one project at different commits, through a real Hub."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from realhub import PREFIX

from binderhub_ext.core.errors import BinderError, FilesDiffer
from binderhub_ext.core.launch import Launch, Project
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.updates import State, Update, What
from binderhub_ext.service.launching.updates import Updates


async def started(browser, repo: str, **fields: str):
    """Start by the form; the launch's events."""
    await browser.get(PREFIX)
    return await browser.told(await browser.launch(repo=repo, **fields))


async def test_another_server_in_the_same_project_is_named(realhub, repos):
    repo = repos.create_repo("two/servers", {"requirements.txt": "", "a": "1"})
    old = repo.git("rev-parse", "main")
    async with realhub.browser("uma") as browser:
        first = await started(browser, repo.url, server="first")
        assert first[-1]["phase"] == "ready", first
        again = await started(browser, repo.url, server="second")
        assert not [e for e in again if "same project" in e["message"]]
        repo.commit({"a": "2"})
        third = await started(browser, repo.url, server="third")
        told = [event["message"] for event in third if "same project" in event["message"]]
        assert len(told) == 2
        assert f"Your server first runs in the same project, at commit {old[:7]}" in told[0]
        assert third[-1]["phase"] == "ready"


async def test_one_server_at_two_commits_at_once_is_a_conflict_in_words(realhub, repos):
    repo = repos.create_repo("two/commits", {"requirements.txt": "", "a": "1"})
    repo.commit({"a": "2"}, branch="other")
    async with realhub.browser("vic") as browser:
        await browser.get(PREFIX)
        with realhub.holds("vic"):
            replies = await asyncio.gather(
                *(browser.form("launch", repo=repo.url, ref=ref) for ref in ("main", "other"))
            )
        assert sorted(reply.status for reply in replies) == [303, 409]
        (refused,) = (reply for reply in replies if reply.status == 409)
        assert "being started with something else" in refused.text


async def test_a_project_that_is_not_mine(realhub, repos):
    async with realhub.browser("wim") as browser:
        await browser.get(PREFIX)
        for project in ("", "projects/x/y", "../../etc", "projects/" + "x" * 3000, "%00"):
            page = await browser.get(f"{PREFIX}update", params={"project": project})
            assert page.status == 404, page.text
            assert "You have launched no such project" in page.text
            answer = await browser.api("GET", "api/update", params={"project": project})
            assert (answer.status, answer.json()["code"]) == (404, "not-found")
            fetched = await browser.api("POST", "api/update", json={"project": project})
            assert fetched.status == 404
        forged = await browser.send("POST", f"{PREFIX}update", data={"project": "x"})
        assert (forged.status, forged.headers["Location"]) == (303, PREFIX)


async def test_an_engine_that_cannot_tell(realhub, repos):
    """Its page says what it knows, and a launch keeps both versions without asking."""
    repo = repos.create_repo("no/preview", {"requirements.txt": "", "a": "1"})
    async with realhub.browser("xia") as browser:
        assert (await started(browser, repo.url))[-1]["phase"] == "ready"
        projects = (await browser.api("GET", "api/launches")).json()["launches"]
        assert projects[0]["update"] is None and projects[0]["question"] is None
        new = repo.commit({"a": "2"})
        folder = f"projects/127.0.0.1+{repos.port}/no/preview"
        look = (await browser.api("GET", "api/update", params={"project": folder})).json()
        assert (look["commit"], look["fetched"], look["update"]) == (new, False, None)
        look = (await browser.api("POST", "api/update", json={"project": folder})).json()
        assert (look["fetched"], look["update"], look["question"]) == (True, None, None)


async def test_one_project_that_is_not_known_hides_no_question_about_another():
    """Content whose folder cannot be looked at, beside an environment of which two files differ."""
    repos = [Repo("gh", f"o/{name}", f"https://github.com/o/{name}") for name in "abc"]
    commits = [Commit(repo, "main", repo.last * 40) for repo in repos]
    content = tuple(Project(commit, f"projects/{commit.repo.name}", "x") for commit in commits[1:])
    launch = Launch("ana", "s", commits[0], "projects/o/a", "image", content=content)
    looked: list[str] = []

    async def preview(one: Launch) -> Update:
        looked.append(one.project)
        if one.project == "projects/o/b":
            raise BinderError("It cannot be looked at.")
        return Update(State.UPDATED, "a" * 40, "b" * 40, counts={What.BESIDE: 1})

    async def files(*_args: Any) -> None: ...

    nobody = cast(Any, None)
    updates = Updates(
        cast(Any, SimpleNamespace(preview=preview)),
        cast(Any, SimpleNamespace(files=files)),
        nobody,
        nobody,
        policy=nobody,
        providers=nobody,
        targets=nobody,
    )
    with pytest.raises(FilesDiffer) as raised:
        await updates.ask(launch, unheard)
    assert raised.value.update.conflicts == 2
    assert looked == ["projects/o/a", "projects/o/b", "projects/o/c"]
