"""Targets an administrator adds."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.targets import Target, landing, program
from binderhub_ext.service.settings import LaunchPolicy

REPO = Repo("gh", "owner/name", "https://github.com/owner/name")
PLUTO = {"title": "Pluto", "path": "pluto/", "file": "pluto/open?path={path}", "needs": "pluto"}


def test_one_more() -> None:
    targets = LaunchPolicy(extra_targets={"pluto": PLUTO}).targets()
    assert list(targets)[-1] == "pluto"
    assert landing(LaunchRequest(repo=REPO, target="pluto"), "", targets) == "pluto/"
    opened = LaunchRequest(repo=REPO, target="pluto", filepath="a b.jl")
    assert landing(opened, "", targets) == "pluto/open?path=a%20b.jl"
    found = program("pluto/edit", targets)
    assert found is not None
    assert found.needs == "pluto"


def test_one_in_place_of_ours() -> None:
    targets = LaunchPolicy(extra_targets={"lab": {"path": "doc"}}).targets()
    assert targets["lab"] == Target("lab", "lab", "doc", heads=("doc",))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "path is missing"),
        ({"path": "x", "icon": "y"}, "unknown 'icon'"),
        ({"path": "//evil.example"}, ""),
        ({"path": "../hub/admin"}, ""),
        ({"path": "https://evil.example"}, ""),
        ({"path": "x", "file": "x/open"}, "needs {path}"),
        ({"path": "x", "file": "x/{other}"}, ""),
        ({"path": "x", "heads": "x"}, "not a list"),
    ],
)
def test_mistakes_are_told_at_the_start(fields: dict[str, object], words: str) -> None:
    with pytest.raises(TraitError, match=r"extra_targets: mine: ") as told:
        LaunchPolicy(extra_targets={"mine": fields})
    assert words in str(told.value)
