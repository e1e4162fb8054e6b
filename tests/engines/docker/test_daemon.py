"""What is asked of Docker itself: by its socket where the command line would use that too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dockerhub import BASE, docker

from binderhub_ext.engines.docker import endpoint
from binderhub_ext.engines.docker.daemon import Daemon, EngineDown

ELSEWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.mark.parametrize(
    ("variables", "config", "path"),
    [
        ({"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}, {}, "/run/user/1000/docker.sock"),
        ({"DOCKER_HOST": "tcp://builder:2376"}, {}, ""),
        ({"DOCKER_HOST": "ssh://builder"}, {}, ""),
        ({"DOCKER_HOST": ""}, {}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": ""}, {"currentContext": "default"}, "/var/run/docker.sock"),
        ({"DOCKER_HOST": ""}, {"currentContext": "rootless"}, ""),
        ({"DOCKER_HOST": "", "DOCKER_CONTEXT": "rootless"}, {}, ""),
        ({"DOCKER_HOST": "unix:///x", "DOCKER_CONTEXT": "rootless"}, {}, "/x"),
        ({"DOCKER_HOST": ""}, ["not", "settings"], "/var/run/docker.sock"),
    ],
)
def test_the_socket_is_the_one_of_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variables: dict[str, str],
    config: object,
    path: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert endpoint.socket_path() == path


async def test_both_ways_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    (told,) = json.loads(docker("image", "inspect", BASE))
    asked: list[tuple[str, ...]] = []

    async def by_program(self: Daemon, *arguments: str) -> str:
        asked.append(arguments)
        return docker(*arguments)

    monkeypatch.setattr(Daemon, "ask", by_program)
    assert await Daemon().inspect(BASE) == await Daemon().inspect(told["Id"]) == told
    assert await Daemon().inspect("binder-at-home/no-such-image:1") is None
    assert not asked
    monkeypatch.setattr(endpoint, "socket_path", lambda: "")
    assert await Daemon().inspect(BASE) == told and len(asked) == 1


async def test_a_socket_without_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", ELSEWHERE)
    with pytest.raises(EngineDown, match="docker does not answer"):
        await Daemon().inspect(BASE)


async def test_an_answer_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is asked then, which has words for what is wrong."""

    async def broken(socket: str, image: str) -> dict[str, Any] | None:
        raise endpoint.Unanswered

    monkeypatch.setattr(endpoint, "image_facts", broken)
    found = await Daemon().inspect(BASE)
    assert found and BASE in found["RepoTags"]
