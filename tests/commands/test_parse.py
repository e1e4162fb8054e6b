"""`binder-at-home parse`, as it is typed."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from binderhub_ext.commands.parse import main

FIELDS = {
    "provider", "provider_name", "name", "spec", "repo", "ref", "urlpath", "filepath", "target",
    "files", "volumes", "content", "image", "server", "size", "mem", "cpu", "idle", "share",
    "class", "secrets", "environment", "extra", "link", "guessed",
}  # fmt: skip


def parsed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["--json", "--", *words]) == 0
    values: dict[str, object] = json.loads(capsys.readouterr().out)
    assert set(values) == FIELDS
    return values


def test_a_link_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    values = parsed(
        capsys,
        "https://hub.example.org/services/binder/v2/gh/o/n/main"
        "?filepath=a.ipynb&target=voila&files=home&volume=data:in:ro&volume=more"
        "&content=gh/o/course/HEAD&server=mine&mem=4096M&share=ann&class=abcdefgh"
        "&secrets=KEY&colour=red",
    )
    assert values == {
        "provider": "gh",
        "provider_name": "GitHub",
        "name": "o/n",
        "spec": "o/n/main",
        "repo": "https://github.com/o/n",
        "ref": "main",
        "urlpath": "",
        "filepath": "a.ipynb",
        "target": "voila",
        "files": "home",
        "volumes": [
            {"name": "data", "mount": "in", "access": "ro"},
            {"name": "more", "mount": "", "access": ""},
        ],
        "content": [
            {
                "provider": "gh",
                "spec": "o/course/HEAD",
                "repo": "https://github.com/o/course",
                "ref": "HEAD",
                "folder": "course",
            }
        ],
        "image": "",
        "server": "mine",
        "size": "",
        "mem": "4G",
        "cpu": "",
        "idle": "",
        "share": ["ann"],
        "secrets": ["KEY"],
        "class": "abcdefgh",
        "environment": "",
        "extra": "colour=red",
        "link": "v2/gh/o/n/main?filepath=a.ipynb&target=voila&files=home&volume=data:in:ro"
        "&volume=more&content=gh/o/course/HEAD&server=mine&mem=4G&share=ann&class=abcdefgh"
        "&secrets=KEY&colour=red",
        "guessed": [],
    }


def test_words_are_joined_as_a_shell_would_have_split_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    values = parsed(capsys, "git", "clone", "-b", "dev", "https://github.com/o/n")
    assert (values["spec"], values["ref"]) == ("o/n/dev", "dev")


def test_an_image(capsys: pytest.CaptureFixture[str]) -> None:
    values = parsed(capsys, "quay.io/jupyter/base-notebook:x")
    assert values["provider"] == "image"
    assert values["image"] == values["spec"] == "quay.io/jupyter/base-notebook:x"
    assert values["repo"] == values["ref"] == ""


def test_a_guess_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed(capsys, "o/n")["guessed"]


def test_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    badge = "[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/o/n/HEAD)"
    monkeypatch.setattr("sys.stdin", io.StringIO(badge))
    assert parsed(capsys, "-")["spec"] == "o/n/HEAD"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("numpy", "bad-link"),
        ("", "bad-link"),
        ("https://mybinder.org/v2/svn/o/n/main", "unknown-provider"),
        ("https://user:hunter2@github.com/o/n", "bad-link"),
    ],
)
def test_refused(capsys: pytest.CaptureFixture[str], text: str, code: str) -> None:
    assert main(["--json", "--", text]) == 2
    printed = capsys.readouterr().out
    assert json.loads(printed)["error"]["code"] == code
    assert "hunter2" not in printed
    assert main(["--", text]) == 2
    output = capsys.readouterr()
    assert not output.out
    assert output.err.count("\n") == 1


def test_plain_output_shows_what_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["v2/gh/o/n/main?volume=data:in:ro"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "spec:      o/n/main" in lines
    assert "volumes:   data:in:ro" in lines


def test_as_a_command() -> None:
    command = [sys.executable, "-m", "binderhub_ext", "parse", "--json", "--", "gl:a/b"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["spec"] == "a%2Fb/HEAD"
