"""`binder-at-home launch` against a real hub, as a program of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest
from realhub import PREFIX

from binderhub_ext.client import Client, find_token
from binderhub_ext.commands.launch import _folder, main
from binderhub_ext.core.errors import BadLink, NotAllowed


async def launch(hub: Any, token: str, *words: str) -> tuple[int | None, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "binderhub_ext", "launch", "--hub", hub.service + PREFIX, *words,
        env={"BINDER_AT_HOME_TOKEN": token},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def test_launches_and_prints_where(realhub, repos):
    token = await realhub.token("lena")
    status, out, err = await launch(realhub, token, f"{repos.url}/me/mine")
    assert status == 0, err
    assert "/user/lena/mine-" in out
    assert "100%" in err
    assert token not in out + err


async def test_json_is_the_events(realhub, repos):
    token = await realhub.token("lena")
    status, out, _ = await launch(realhub, token, "--json", f"{repos.url}/me/mine")
    events = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert events[-1]["phase"] == "ready"


@pytest.mark.parametrize(
    ("paste", "status", "code"),
    [
        ("numpy", 2, "bad-link"),
        ("{repos}/me/nothing", 1, "repo-not-found"),
        ("v2/folder/0123456789abcdef/mine", 1, "not-allowed"),
    ],
)
async def test_failures_are_words_and_a_status(realhub, repos, paste, status, code):
    token = await realhub.token("lena")
    got, out, err = await launch(realhub, token, paste.format(repos=repos.url))
    assert (got, out) == (status, "")
    assert f"({code})" in err
    assert "Traceback" not in err


async def test_a_wrong_token(realhub, repos):
    status, _, err = await launch(realhub, "nonsense", f"{repos.url}/me/mine")
    assert status == 1
    assert "Traceback" not in err
    assert "nonsense" not in err


def test_build_only_where_the_service_is_not_for_that(realhub, repos):
    token = asyncio.run(realhub.token("lena"))
    client = Client(realhub.service + PREFIX, token)
    (event,) = client.events(client.start_build("v2/gh/o/n/HEAD"))
    assert (event["phase"], event["status_code"]) == ("failed", 400)


def test_no_hub_there(capsys, monkeypatch):
    monkeypatch.setenv("BINDER_AT_HOME_TOKEN", "x")
    assert main(["--hub", "http://127.0.0.1:1", "o/n"]) == 1
    assert "does not answer" in capsys.readouterr().err


def test_no_token(monkeypatch):
    monkeypatch.delenv("BINDER_AT_HOME_TOKEN", raising=False)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    with pytest.raises(NotAllowed, match="/hub/token"):
        find_token("https://hub.example.org")


@pytest.mark.parametrize("hub", ["hub.example.org", "ftp://x", "http://hub.example.org", ""])
def test_a_token_is_not_sent_just_anywhere(hub):
    with pytest.raises(BadLink):
        Client(hub, "secret")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *((text, True) for text in ("mine", "./mine", "./nothing", "..", ".", "~/mine", "/tmp")),
        *((text, False) for text in ("o/n", "nothing", "https://a.example/b", "gh/o/n/HEAD")),
        *((text, False) for text in ("/services/binder/v2/gh/o/n/HEAD", "10.5281/zenodo.1")),
    ],
)
def test_what_is_a_folder(tmp_path, monkeypatch, text, is_one):
    (tmp_path / "mine").mkdir()
    (tmp_path / "o" / "n").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert (_folder(text) is not None) is is_one


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--hub", "https://hub.example.org"], "on another machine"),
        (["--data-dir", "nowhere"], "not a data directory of yours"),
    ],
)
def test_folders_are_for_the_hub_of_this_machine(capsys, tmp_path, monkeypatch, words, why):
    monkeypatch.chdir(tmp_path)
    assert main([*words, "."]) == 1
    assert why in capsys.readouterr().err
