"""What a BinderHub may answer to a hub that hands it a build; a small server says it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dockersources import make_source
from patience import SOON
from smallbinderhub import READY, Answers, answering
from traitlets import TraitError

from binderhub_ext import via
from binderhub_ext.core.errors import AsksItself, BinderError, BuildFailed, TooMany
from binderhub_ext.core.forges import GITHUB
from binderhub_ext.core.progress import Event, unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.base import EngineDown
from binderhub_ext.engines.containers import binderhub
from binderhub_ext.engines.containers.binderhub import BinderHub
from binderhub_ext.engines.detect import Detection
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.repos.base import Source

URL = "https://example.org/a b/c"
COMMIT = Commit(Repo("git", URL, URL), "main", "a" * 40)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binderhub, "_PAUSE", 0)


async def test_the_image_it_names(tmp_path: Path) -> None:
    told: list[Event] = []
    broken_off = [{"phase": "building", "message": "Step 1\n\x1b[31mStep 2\n"}, {"message": "x"}]
    (token := tmp_path / "token").write_text("secret\n")
    async with answering([broken_off, [READY]]) as (hub, asked):
        hub = BinderHub(hub.url, str(token))
        assert await hub.build(COMMIT, told.append) == READY["imageName"]
    assert [event.message for event in told[1:]] == ["Step 1", "Step 2", "x", "Done"]
    assert [event.message for event in told[:1]] == ["Asking 127.0.0.1 to build it"]
    spec = "https%3A%2F%2Fexample.org%2Fa%20b%2Fc/" + "a" * 40
    path = f"/services/binder/build/git/{spec}?build_only=true"
    assert [request.path_qs for request in asked] == [path] * 2
    assert asked[0].headers["Authorization"] == "Bearer secret"
    assert asked[0].headers["Accept"] == "text/event-stream"


def test_every_binder_reads_the_spec() -> None:
    specs: list[tuple[Repo, str]] = [
        (GITHUB.repo("o/r"), "gh/o/r/"),
        (Repo("hf", "datasets/o/r", "https://huggingface.co/datasets/o/r"), "git/https%3A%2F%2F"),
        (Repo("lab", "o/r", "https://git.lab.example/o/r"), "git/https%3A%2F%2Fgit.lab.example"),
    ]
    for repo, begins in specs:
        spec = binderhub._spec(Commit(repo, "main", "b" * 40))
        assert spec.startswith(begins) and spec.endswith("/" + "b" * 40)


FAILED: list[tuple[dict[str, Any], type[BinderError], str]] = [
    ({"message": "no such package"}, BuildFailed, "could not build it"),
    ({"message": "slow down", "status_code": 429}, TooMany, "too much to do"),
    ({"message": "who are you?", "status_code": 403}, EngineDown, "let it in"),
    ({"message": "build_only is not allowed", "status_code": 400}, EngineDown, "let it in"),
]


@pytest.mark.parametrize(("said", "kind", "words"), FAILED)
@pytest.mark.parametrize("phase", ["failed", "failure"])
async def test_what_it_refuses(
    phase: str, said: dict[str, Any], kind: type[BinderError], words: str
) -> None:
    async with answering([[{"phase": phase, **said}]]) as (hub, asked):
        with pytest.raises(kind, match=words) as refused:
            await hub.build(COMMIT, unheard)
    assert type(refused.value) is kind
    assert said["message"] in refused.value.detail
    assert len(asked) == 1


async def test_a_hub_that_is_to_build_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"phase": "failed", "message": "by itself", "status_code": 508}
    async with answering([[READY], [READY], [said]]) as (hub, asked):
        await hub.build(COMMIT, unheard)
        came = asked[0].headers[via.HEADER]
        # that very request would be refused here, under whatever name we are asked
        with pytest.raises(AsksItself):
            via.came(came)

        async def for_another() -> str:
            monkeypatch.setattr(via, "_US", "a" * 16)
            via.came(came)
            await hub.build(COMMIT, unheard)
            return asked[1].headers[via.HEADER]

        # one that hands on says so, and only of what it was asked
        handed_on = await asyncio.create_task(for_another())
        assert handed_on == f"{came}, {'a' * 16}"
        monkeypatch.undo()
        with pytest.raises(AsksItself):
            via.came(handed_on)
        assert via.headers() == {via.HEADER: came}
        with pytest.raises(AsksItself, match="or asks it in turn"):
            await hub.build(COMMIT, unheard)


@pytest.mark.parametrize(
    "made_up", [", ".join("abcdefgh"), ", ".join(f"{n:016x}" for n in range(8)), "x" * 60_000]
)
def test_nobody_has_builds_refused_by_what_they_write(
    made_up: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all who wait for the same: by the next hub, which heeds that header, too."""

    def asked(us: str, header: str) -> str:
        monkeypatch.setattr(via, "_US", us)
        via.came(header)
        return via.headers()[via.HEADER]

    for us in ("a" * 16, "b" * 16, "c" * 16):
        made_up = copy_context().run(asked, us, made_up)
        assert len(made_up) < 200
    with pytest.raises(AsksItself):
        copy_context().run(asked, "a" * 16, made_up)


BROKEN: list[Callable[[], Answers]] = [
    lambda: [[]],
    lambda: [[{"phase": "building", "message": "going on"}]],
    lambda: [[{**READY, "imageName": "--privileged x"}]],
    lambda: [[{**READY, "imageName": None}]],
]


@pytest.mark.parametrize("answers", BROKEN)
async def test_one_that_names_no_image(answers: Callable[[], Answers]) -> None:
    async with answering(answers()) as (hub, _):
        with pytest.raises(EngineDown):
            await hub.build(COMMIT, unheard)


async def test_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EngineDown):
        await BinderHub("http://127.0.0.1:9").build(COMMIT, unheard)
    with pytest.raises(EngineDown):
        await BinderHub("http://127.0.0.1:9", str(tmp_path / "none")).build(COMMIT, unheard)


async def test_one_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binderhub, "_SILENCE", 0.05)
    asked: list[asyncio.StreamWriter] = []

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(writer)

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(EngineDown):
            async with asyncio.timeout(SOON):
                await BinderHub(f"http://127.0.0.1:{port}").build(COMMIT, unheard)
        for writer in asked:
            writer.close()
    assert len(asked) == 4


async def test_what_it_is_given(tmp_path: Path) -> None:
    hub = BinderHub("https://binder.example.org")
    source = Source(COMMIT, tmp_path, "t")
    assert hub.takes(source)
    mine = Commit(Repo("git", URL, URL, reader="ana"), "main", "a" * 40)
    assert not hub.takes(Source(mine, tmp_path, "t"))
    archive = Commit(Repo("zenodo", "10.5281/zenodo.1", "https://zenodo.org"), "HEAD", "1")
    assert not hub.takes(Source(archive, tmp_path, "t"))


def test_what_repo2docker_does_not_read_is_built_here(tmp_path: Path) -> None:
    builder = DockerBuilder(data_dir=str(tmp_path), binderhub_url="https://binder.example.org")
    source = Source(COMMIT, tmp_path, "t")
    asked = (("requirements.txt", ""),)
    detection = Detection("PythonBuildPack", "", "3.11", "", asked, (), False)
    assert builder.elsewhere(detection, source) == builder.binderhub
    assert builder.elsewhere(detection, None) is None
    assert builder.elsewhere(replace(detection, files=(("uv.lock", ""),)), source) is None
    assert builder.elsewhere(replace(detection, made=(("apt.txt", "x"),)), source) is None


def test_it_is_part_of_every_key(tmp_path: Path) -> None:
    alone = DockerBuilder(data_dir=str(tmp_path))
    other = DockerBuilder(data_dir=str(tmp_path), binderhub_url="https://binder.example.org/")
    assert alone.recipe.plain().environment.key != other.recipe.plain().environment.key
    with pytest.raises(TraitError, match="not the address"):
        DockerBuilder(binderhub_url="binder.example.org")


async def test_what_is_built_there_is_of_one_commit_alone(tmp_path: Path) -> None:
    """A build there sees files that no key of ours names, and what it makes is for nobody else."""
    files = {"Pipfile": '[packages]\nsix = "*"\n'}
    plain = make_source(tmp_path / "plain", files)
    evil = {".config/pip/pip.conf": "[global]\nindex-url = https://evil.example/\n"}
    fork = make_source(tmp_path / "fork", {**files, **evil}, "some/fork")
    here = DockerBuilder(data_dir=str(tmp_path / "data"))
    there = DockerBuilder(data_dir=here.data_dir, binderhub_url="https://binder.example.org/")

    def private(source: Source) -> Source:
        repo = replace(source.commit.repo, reader="ana")
        return replace(source, commit=replace(source.commit, repo=repo))

    plans = [(here, plain), (here, fork), (there, private(plain)), (there, private(fork))]
    plans += [(there, plain), (there, fork)]
    keys = [(await builder.plan(source)).key for builder, source in plans]
    assert keys[0] == keys[1] and keys[2] == keys[3] and len(set(keys)) == 4
