"""What runs in a pod before the server: project, places of mounts, and an answer that fits."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from dockersources import make_source

from binderhub_ext.core.contents import CONTENT_MAX
from binderhub_ext.core.errors import Conflict, RepoUnavailable
from binderhub_ext.core.launch import Access, Files, Launch, Project
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.updates import FileChange, State, Update, What
from binderhub_ext.engines.kubernetes import first
from binderhub_ext.engines.kubernetes.cluster import Cluster
from binderhub_ext.engines.kubernetes.pods import DataClaim, first_container
from binderhub_ext.engines.rundir import Owner
from binderhub_ext.storage.homes import ensure_home, ensure_state
from binderhub_ext.storage.mounts import Mount, content_of, mounts_for
from binderhub_ext.storage.sync import call
from binderhub_ext.storage.sync.words import Request

PROJECT, WEEK = "projects/o/r", "projects/o/week"


class Pod:
    """A launch of a repository, in which a volume and another repository appear."""

    def __init__(
        self, folder: Path, files: dict[str, str], monkeypatch: Any, place: str = "week"
    ) -> None:
        self.layout = DataDirectory(folder / "data")
        self._monkeypatch = monkeypatch
        source = make_source(self.layout.repos / "abc", files)
        week = make_source(self.layout.repos / "def", {"x.txt": "week"}, "o/week")
        self.home = ensure_home(self.layout, "ana")
        ensure_state(self.layout, "ana", PROJECT)
        (self.layout.volumes / "v").mkdir(parents=True)
        url = source.commit.repo.url
        bundle = str(source.bundle)
        self.request = Request(bundle, source.commit.id, url, str(self.home), PROJECT)
        content = Project(week.commit, WEEK, place)
        launch = Launch(
            "ana", "one", source.commit, PROJECT, "image", Files.PROJECT, content=(content,)
        )
        self.requests = [
            self.request,
            replace(
                self.request,
                bundle=str(week.bundle),
                commit=week.commit.id,
                url=week.commit.repo.url,
                into=WEEK,
            ),
        ]
        inside = PurePosixPath(PROJECT, "data")
        volume = Mount(self.layout.volumes, PurePosixPath("v"), inside, Access.RO)
        shown = content_of(launch, self.home)
        self.mounts = (*mounts_for(launch, self.layout), *shown, volume)

    def run(self) -> tuple[int, bytes]:
        """The exit status and the container's last message."""
        data = DataClaim(self.layout, Cluster())
        container = first_container(self.mounts, self.requests, Owner(1000, 1000), data)
        message = self.layout.root / "message"
        self._monkeypatch.setattr(first, "MESSAGE", message)
        self._monkeypatch.setattr(sys, "argv", ["first", container["command"][-1]])
        return first.main(), message.read_bytes()


def test_project_first_then_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new project wants its folder empty; the volume's place is in it."""
    pod = Pod(tmp_path, {"readme.txt": "1", "src/x.py": "2"}, monkeypatch)
    status, said = pod.run()
    assert (status, states(said)) == (0, [State.CREATED] * 2)
    assert (pod.home / PROJECT / "readme.txt").read_text() == "1"
    assert (pod.home / PROJECT / "data").is_dir()
    assert (pod.home / WEEK / "x.txt").read_text() == "week"
    assert list((pod.home / PROJECT / "week").iterdir()) == []
    status, said = pod.run()
    assert (status, states(said)) == (0, [State.UNCHANGED] * 2)


def test_content_hides_nothing_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = Pod(tmp_path, {"src/x.py": "2"}, monkeypatch, place="src")
    status, said = pod.run()
    assert status == 1
    with pytest.raises(Conflict, match="/src has something in it"):
        call.read_answer(said)


def test_what_cannot_be_brought_is_told_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = Pod(tmp_path, {"readme.txt": "1"}, monkeypatch)
    Path(pod.requests[1].bundle).unlink()
    status, said = pod.run()
    first_answer, second = said.splitlines()
    assert status == 1 and call.read_answer(first_answer).state is State.CREATED
    with pytest.raises(RepoUnavailable):
        call.read_answer(second)


def states(said: bytes) -> list[State]:
    return [call.read_answer(line).state for line in said.splitlines()]


def test_a_link_in_the_way_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pod = Pod(tmp_path, {"readme.txt": "1"}, monkeypatch)
    pod.run()
    (pod.home / PROJECT / "data").rmdir()
    (pod.home / PROJECT / "data").symlink_to(tmp_path)
    status, said = pod.run()
    assert status == 1
    with pytest.raises(Conflict, match="a link or a file is in its way"):
        call.read_answer(said)


def test_any_answer_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """4096 bytes, however many files were brought and however long their names are."""
    pod = Pod(tmp_path, {"readme.txt": "1"}, monkeypatch)
    _, said = pod.run()
    fields = json.loads(said.splitlines()[0])
    change = {"path": "ü" * 90 + "/" + "x" * 100, "what": "beside", "other": "y" * 200}
    fields["changes"] = [{**change, "path": f"{number}{change['path']}"} for number in range(500)]
    fields["counts"] = {"beside": 500}
    short = first.fitting([json.dumps(fields)])
    assert len(short.encode()) <= 4096
    update = call.read_answer(short.encode())
    assert sum(update.counts.values()) == 500 and 0 < len(update.changes) < 500
    error = {"error": "files", "message": "No.", "detail": "z" * 100_000}
    assert len(first.fitting([json.dumps(error)])) < 4096


@pytest.mark.parametrize("why", ["", "There is something else in it. " * 12])
def test_answers_of_all_content_have_room(why: str) -> None:
    """Of as many repositories as a launch brings, whatever became of each."""
    kinds = (What.ADDED, What.UPDATED, What.REMOVED, What.BESIDE, What.KEPT_DELETED)
    changes = tuple(FileChange(f"{kind}/{n}", kind) for n in range(40) for kind in kinds)
    counts = dict.fromkeys(kinds, 40)
    update = Update(
        State.UPDATED,
        "a" * 40,
        "b" * 40,
        Sentence(why),
        changes,
        (Sentence(why),) * 2,
        counts=counts,
    )
    answers = [json.dumps(update.to_fields())] * (CONTENT_MAX + 1)
    short = first.fitting(answers)
    assert len(short.encode()) <= 4096
    updates = [call.read_answer(line.encode()) for line in short.splitlines()]
    assert [update.counts for update in updates] == [counts] * len(answers)
    error = {"error": "in-the-way", "message": "No.", "detail": "z" * 100_000}
    last = first.fitting([*answers[1:], json.dumps(error)]).splitlines()[-1]
    with pytest.raises(Conflict, match="No"):
        call.read_answer(last.encode())
