"""What people paste into their pages, other hubs and shells."""

from __future__ import annotations

import html
import shlex
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_links import requests

from binderhub_ext.core.archives import ZENODO
from binderhub_ext.core.badges import badge, commands, elsewhere
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.links import read_link
from binderhub_ext.core.paste import understand
from binderhub_ext.core.providers import github, table

BASE = "https://hub.example.org/services/binder"


@settings(max_examples=150)
@given(requests(), st.sampled_from(["Launch", "A [b] <c> “d”", 'x"y&z']))
def test_every_form_of_a_badge_is_understood_as_its_request(
    request: LaunchRequest, caption: str
) -> None:
    made = badge(request, BASE, caption)
    for text in (made.url, made.markdown, made.html, made.rst):
        assert understand(text).request == request


def test_forms() -> None:
    made = badge(read_link("gh", "o/n/HEAD", "filepath=a(1).ipynb&target=voila"), f"{BASE}/", "Go")
    url = f"{BASE}/v2/gh/o/n/HEAD?filepath=a%281%29.ipynb&target=voila"
    assert made.url == url
    assert made.markdown == f"[![Go]({BASE}/badge_logo.svg)]({url})"
    assert made.html == (
        f'<a href="{html.escape(url)}"><img src="{BASE}/badge_logo.svg" alt="Go"></a>'
    )
    assert made.rst == f".. image:: {BASE}/badge_logo.svg\n   :target: {url}\n   :alt: Go\n"


ELSEWHERE = [
    ("gh", "o/n/dev", "files=home&volume=data&mem=4G", "gh/o/n/dev"),
    ("gh", "o/n/dev", "labpath=a.ipynb", "gh/o/n/dev?labpath=a.ipynb"),
    ("gh", "o/n/dev", "filepath=a.ipynb", "gh/o/n/dev?filepath=a.ipynb"),
    ("gh", "o/n/dev", "urlpath=lab/tree/a", "gh/o/n/dev?urlpath=lab/tree/a"),
    ("gh", "o/n/dev", "target=rstudio", "gh/o/n/dev?urlpath=rstudio/"),
    ("gh", "o/n/dev", "target=lab&files=home", "gh/o/n/dev?urlpath=lab"),
    ("gh", "o/n/dev", "target=voila&filepath=a.ipynb", "gh/o/n/dev?urlpath=voila/render/a.ipynb"),
    ("zenodo", "10.5281/zenodo.1", "", "zenodo/10.5281/zenodo.1"),
]


@pytest.mark.parametrize(("provider", "spec", "query", "link"), ELSEWHERE)
def test_elsewhere(provider: str, spec: str, query: str, link: str) -> None:
    request = read_link(provider, spec, query)
    assert elsewhere(request, "https://mybinder.org/") == f"https://mybinder.org/v2/{link}"


def test_a_forge_of_ones_own_is_plain_git_elsewhere() -> None:
    own = github("ghe", "github.example.org", "Ours")
    request = LaunchRequest(own.repo("o/n"), "dev")
    link = elsewhere(request, "https://mybinder.org", providers=table(own))
    assert link == "https://mybinder.org/v2/git/https%3A%2F%2Fgithub.example.org%2Fo%2Fn/dev"


def test_what_other_binders_do_not_know_has_no_link_there() -> None:
    own = replace(ZENODO, id="shelf", title="Shelf", at_binder=False)
    request = LaunchRequest(own.repo("10.5281/zenodo.1"))
    with pytest.raises(BadLink, match="Other Binders do not know Shelf"):
        elsewhere(request, "https://mybinder.org", providers=table(own))


@pytest.mark.parametrize(("provider", "query"), [("image", ""), ("gh", "image=a/b")])
def test_images_are_not_for_other_binders(provider: str, query: str) -> None:
    with pytest.raises(BadLink):
        elsewhere(read_link(provider, "a/b/c", query), "https://mybinder.org")


COMMANDS = [
    ("gh", "o/n/HEAD", "", ["jupyter-repo2docker", "https://github.com/o/n"]),
    ("gh", "o/n/a'b;$(c)", "", ["jupyter-repo2docker", "--ref", "a'b;$(c)", "https://github.com/o/n"]),
    ("zenodo", "10.5281/zenodo.1", "", ["jupyter-repo2docker", "10.5281/zenodo.1"]),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "spec", "query", "words"), COMMANDS)
def test_commands(provider: str, spec: str, query: str, words: list[str]) -> None:
    made = commands(read_link(provider, spec, query))
    assert shlex.split(made["repo2docker"]) == words
    assert shlex.split(made["docker"])[-len(words) :] == words


def test_the_command_of_an_image() -> None:
    made = commands(read_link("image", "quay.io%2Fa%2Fb:1"))
    assert "repo2docker" not in made
    assert "127.0.0.1:8888:8888" in shlex.split(made["docker"])
