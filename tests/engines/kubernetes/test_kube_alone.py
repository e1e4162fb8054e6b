"""Which servers of one person may be beside each other on one claim."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from binderhub_ext.core.errors import Conflict
from binderhub_ext.core.launch import Files, Launch, Project
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.kubernetes.alone import refuse_side_by_side

COMMIT = Commit(Repo("git", "o/week", "https://example.org/o/week"), "main", "a" * 40)
WEEK = Project(COMMIT, "projects/o/week", "week")


def launch(files: Files, server: str = "new", content: tuple[Project, ...] = ()) -> Launch:
    return Launch("ana", server, None, "projects/o/r", "image", files, content=content)


@dataclass
class Starting:
    name: str
    launch: Launch | None
    pending: str | None


def pod(files: Files, phase: str = "Running", user: str = "ana", server: str = "old") -> Any:
    told = {"hub.jupyter.org/username": user, "hub.jupyter.org/servername": server}
    labels = {"binder-at-home/files": str(files)}
    return {"metadata": {"annotations": told, "labels": labels}, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("wanted", "there", "starting"),
    [
        (Files.PROJECT, [pod(Files.HOME)], []),
        (Files.PROJECT, [pod(Files.HOME, "Pending")], []),
        (Files.PROJECT, [], [Starting("old", launch(Files.HOME, "old"), "spawn")]),
        (Files.HOME, [pod(Files.PROJECT, "Pending")], []),
        (Files.HOME, [], [Starting("old", launch(Files.PROJECT, "old"), "spawn")]),
    ],
)
def test_refused(wanted: Files, there: list[Any], starting: list[Starting]) -> None:
    with pytest.raises(Conflict, match="Your server old"):
        refuse_side_by_side(launch(wanted), "ana", starting, dict(enumerate(there)))  # type: ignore[arg-type]


def test_content_is_mounted_beside_a_whole_home_like_a_project() -> None:
    """Each is a folder of its own of the claim, whoever sees it otherwise."""
    wanted = launch(Files.HOME, content=(WEEK,))
    with pytest.raises(Conflict, match="Your server old"):
        refuse_side_by_side(wanted, "ana", [], {"a": pod(Files.HOME)})
    starting = [Starting("old", replace(wanted, server="old"), "spawn")]
    with pytest.raises(Conflict, match="Your server old"):
        refuse_side_by_side(launch(Files.HOME), "ana", starting, {})  # type: ignore[arg-type]
    refuse_side_by_side(wanted, "ana", [], {"a": pod(Files.PROJECT)})
    thrown_away = launch(Files.NONE, content=(WEEK,))
    refuse_side_by_side(thrown_away, "ana", [], {"a": pod(Files.HOME)})


@pytest.mark.parametrize(
    ("wanted", "there", "starting"),
    [
        (Files.PROJECT, [pod(Files.PROJECT)], []),
        (Files.PROJECT, [pod(Files.HOME, user="eve")], []),
        (Files.PROJECT, [pod(Files.HOME, "Failed")], []),
        (Files.PROJECT, [pod(Files.HOME, server="new")], []),
        (Files.PROJECT, [], [Starting("old", launch(Files.HOME, "old"), None)]),
        (Files.HOME, [pod(Files.PROJECT), pod(Files.HOME)], []),
        (Files.NONE, [pod(Files.HOME), pod(Files.PROJECT, "Pending")], []),
    ],
)
def test_let_through(wanted: Files, there: list[Any], starting: list[Starting]) -> None:
    refuse_side_by_side(launch(wanted), "ana", starting, dict(enumerate(there)))  # type: ignore[arg-type]
