# ruff: noqa: E501
"""Specs of every provider, what clients are told of them, and when two are the same place."""

from __future__ import annotations

import re

import pytest

from binderhub_ext.core.paste import understand
from binderhub_ext.core.providers import PROVIDERS, find, github, gitlab, table
from binderhub_ext.core.repo import Commit, Repo

SHA = "0c6be33e3bd5b2f9e9d9a4c5f5a8d6d7e8f90a1b"
GIST = "8a2b3c4d5e6f708192a3b4c5d6e7f801"

SPECS = [
    # provider, spec, name, url, ref
    ("gh", "o/n/HEAD", "o/n", "https://github.com/o/n", "HEAD"),
    ("gh", "O/N.git/a/b", "O/N", "https://github.com/O/N", "a/b"),
    ("gh", "o/n/a%2Fb/", "o/n", "https://github.com/o/n", "a/b"),
    ("gh", f"o/n/{SHA.upper()}", "o/n", "https://github.com/o/n", SHA),
    ("gist", f"u/{GIST}", f"u/{GIST}", f"https://gist.github.com/u/{GIST}.git", "HEAD"),
    ("gist", f"u/{GIST}/main", f"u/{GIST}", f"https://gist.github.com/u/{GIST}.git", "HEAD"),
    ("gist", f"u/{GIST}/{SHA}", f"u/{GIST}", f"https://gist.github.com/u/{GIST}.git", SHA),
    ("gl", "a%2Fb%2Fc/main", "a/b/c", "https://gitlab.com/a/b/c.git", "main"),
    ("git", "https%3A%2F%2FH.org%3A443%2Fx.git%2F/m", "https://h.org/x.git", "https://h.org/x.git", "m"),
    ("git", "git%40h.org%3Aa%2Fb/m", "ssh://git@h.org/a/b", "ssh://git@h.org/a/b", "m"),
    ("git", "git%40github.com%3Aa%2Fb.git/m", "https://github.com/a/b", "https://github.com/a/b", "m"),
    ("hf", "o/n/main", "o/n", "https://huggingface.co/o/n", "main"),
    ("hf", "spaces/O/n/a/b", "spaces/O/n", "https://huggingface.co/spaces/O/n", "a/b"),
    ("archive", "https%3A%2F%2FH.org%2FX.zip%23egg", "https://h.org/X.zip", "https://h.org/X.zip", "HEAD"),
    ("archive", "https%3A%2F%2Fh.org%2Fa%252Fb%2Fx.zip", "https://h.org/a%2Fb/x.zip", "https://h.org/a%2Fb/x.zip", "HEAD"),
    ("osf", "https%3A%2F%2Fosf.io%2FABcd2%2Fx", "abcd2", "https://osf.io/abcd2", "HEAD"),
    ("zenodo", "10.5281/zenodo.1", "10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1", "HEAD"),
    ("dataverse", "doi:10.7910/DVN/A", "10.7910/DVN/A", "https://doi.org/10.7910/DVN/A", "HEAD"),
]  # fmt: skip


@pytest.mark.parametrize(("id", "spec", "name", "url", "ref"), SPECS, ids=[s[1] for s in SPECS])
def test_spec(id: str, spec: str, name: str, url: str, ref: str) -> None:
    provider = PROVIDERS[id]
    parsed = provider.parse(spec)
    assert parsed == (Repo(id, name, url), ref)
    again = provider.spec(Repo(id, name, url), ref)
    assert provider.parse(again) == parsed
    assert re.fullmatch(provider.pattern, again)


SAME = [
    {
        "https://github.com/Owner/Name",
        "git@github.com:owner/name.git",
        "v2/gh/OWNER/NAME/main",
        "v2/git/https%3A%2F%2FGitHub.com%2Fowner%2Fname.git/main",
        "v2/git/http%3A%2F%2Fwww.github.com%2Fowner%2Fname%2F/main",
    },
    {"https://gitlab.com/Group/name", "v2/git/git%40gitlab.com%3Agroup%2Fname.git/main"},
    {"https://codeberg.org/A/b", "git@codeberg.org:a/B.git"},
    {"10.7910/DVN/TJCLKP", "https://doi.org/10.7910/dvn/tjclkp"},
    {
        "https://git.example.org/Case/x.git",
        "v2/git/https%3A%2F%2FGIT.example.org%2FCase%2Fx/m",
        "http://git.example.org/Case/x.git",
    },
    {"https://git.example.org/case/x.git"},
    {"https://git.example.org:8443/Case/x.git"},
    {"https://github.com/owner/name2"},
    {"https://huggingface.co/o/n", "v2/git/https%3A%2F%2Fhuggingface.co%2Fo%2Fn/main"},
    {"https://huggingface.co/O/n"},
    {"https://huggingface.co/datasets/o/n"},
    {"https://example.org/x.zip"},
    {"https://example.org/X.zip"},
    {f"https://example.org/x.zip#sha256={'a' * 64}"},
]


def test_identity_is_equal_exactly_for_the_same_repository() -> None:
    identities = []
    for pastes in SAME:
        repos = [understand(text).request.repo for text in pastes]
        found = {repo.identity for repo in repos if repo}
        assert len(found) == 1, pastes
        identities += found
    assert len(set(identities)) == len(SAME)


@pytest.mark.parametrize("id", PROVIDERS)
def test_display(id: str) -> None:
    """The shape of BinderHub's `/api/repoproviders`."""
    entry = PROVIDERS[id].display()
    assert set(entry) - {"detect"} == {"displayName", "id", "spec", "repo", "ref"}
    assert set(entry["repo"]) == {"label", "placeholder", "urlEncode"}
    assert entry["ref"]["enabled"] == ("default" in entry["ref"])
    assert entry["id"] == id
    assert all(entry["repo"][name] for name in ("label", "placeholder"))


def test_detect_is_what_clients_strip() -> None:
    detect = PROVIDERS["gh"].display()["detect"]["regex"].replace("(?<", "(?P<")
    for text in ("https://github.com/o/n/", "http://github.com/o/n", "o/n"):
        found = re.match(detect, text)
        assert found and found["repo"] == "o/n"


@pytest.mark.parametrize(
    ("id", "name", "url"),
    [
        ("gh", "o/n", f"https://github.com/o/n/tree/{SHA}"),
        ("gl", "a/b", f"https://gitlab.com/a/b/-/tree/{SHA}"),
        ("gist", f"u/{GIST}", f"https://gist.github.com/u/{GIST}/{SHA}"),
        ("hf", "spaces/a/b", f"https://huggingface.co/spaces/a/b/tree/{SHA}"),
        ("git", "https://h.org/x", "https://h.org/x"),
        ("zenodo", "10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1"),
    ],
)
def test_commit_url(id: str, name: str, url: str) -> None:
    provider = PROVIDERS[id]
    assert provider.commit_url(Commit(provider.repo(name), "main", SHA)) == url


def test_forges_of_ones_own() -> None:
    own = table(github("ghe", "git.inst.org", "Ours"), gitlab("lab", "lab.inst.org", "Lab"))
    assert find(own, "ghe").parse("o/n/m")[0] == Repo("ghe", "o/n", "https://git.inst.org/o/n")
    assert find(own, "lab").parse("a%2Fb/m")[0] == Repo(
        "lab", "a/b", "https://lab.inst.org/a/b.git"
    )
    assert find(own, "lab").display()["displayName"] == "Lab"
