"""One meaning of "the same repository": one table, and every function that has to agree with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from upstream import Upstream

from binderhub_ext.core.changes import changes
from binderhub_ext.core.errors import NotAllowed
from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.core.links import read_link
from binderhub_ext.core.policy import Policy, admit, is_trusted, judge, server_of, spec
from binderhub_ext.core.projects import project_folder
from binderhub_ext.core.providers import PROVIDERS, github, gitlab, table
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.rights import UNENCRYPTED, rights
from binderhub_ext.storage.sync.call import is_current
from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Request

KNOWN = table(
    *PROVIDERS.values(), gitlab("lab", "lab.example.org", "Lab"), github("ghe", "ghe.example.org")
)

SAME = [
    ["gh/Owner/Name", "gh/owner/name", "git/https://github.com/OWNER/name.git",
     "git/git@github.com:owner/Name.git", "git/http://www.github.com/owner/name/"],
    ["gl/Group/Sub/Name", "git/https://gitlab.com/group/sub/name.git"],
    ["gist/User/0123456789abcdef", "git/https://gist.github.com/user/0123456789abcdef"],
    ["git/https://bitbucket.org/Team/Proj", "git/https://bitbucket.org/team/proj.git",
     "git/git@bitbucket.org:Team/proj.git"],
    ["git/https://codeberg.org/Maker/Thing", "git/https://codeberg.org/maker/thing"],
    ["git/https://gitea.com/Maker/Thing", "git/ssh://git@gitea.com/maker/thing.git"],
    ["lab/Group/Name", "lab/group/name", "git/https://lab.example.org/Group/name",
     "git/git@lab.example.org:group/name.git"],
    ["ghe/Owner/Name", "git/https://ghe.example.org/owner/name"],
    ["git/https://git.example.org/Team/Proj", "git/https://GIT.example.org:443/Team/Proj.git",
     "git/http://git.example.org/Team/Proj", "git/ssh://git@git.example.org/Team/Proj",
     "git/ssh://deploy@git.example.org/Team/Proj", "git/git://git.example.org/Team/Proj"],
    ["git/https://git.example.org/team/proj"],
    ["git/https://git.example.org:8443/Team/Proj"],
    ["git/https://git.example.org/Team%20A/Proj", "git/https://git.example.org/Team A/Proj"],
    ["dataverse/10.7910/DVN/TJCLKP", "dataverse/10.7910/dvn/tjclkp"],
]  # fmt: skip
"""Each line is one repository in several spellings; no two lines are the same."""

NAMED_BY_RULES = [text for line in SAME for text in line if "deploy@" not in text]
"""A rule names no user of SSH but Git's own."""

CASES = [(number, text) for number, line in enumerate(SAME) for text in line]


def repo_of(text: str) -> Repo:
    provider, _, name = text.partition("/")
    name = re.sub("/", "%2F", name) if KNOWN[provider].escaped else name
    ref = "/main" if KNOWN[provider].has_ref else ""
    repo = read_link(provider, name.replace(" ", "%20") + ref, providers=KNOWN).repo
    assert repo is not None
    return repo


def groups(of: Callable[[Repo], object]) -> list[set[object]]:
    """What a function makes of each line."""
    return [{of(repo_of(text)) for text in line} for line in SAME]


@pytest.mark.parametrize(
    "of",
    [
        lambda repo: repo.identity,
        project_folder,
        lambda repo: server_of(LaunchRequest(repo)),
        lambda repo: admit(Policy(), LaunchRequest(repo), Commit(repo, "main", "a" * 40), user="a")
        .project,
    ],
    ids=["identity", "project", "server", "launch"],
)  # fmt: skip
def test_one_value_for_one_repository_and_another_for_every_other(of) -> None:
    made = groups(of)
    assert [len(values) for values in made] == [1] * len(SAME)
    assert len(set.union(*made)) == len(SAME)


def others(number: int) -> list[Repo]:
    return [repo_of(text) for line, text in CASES if line != number]


@pytest.mark.parametrize("text", NAMED_BY_RULES)
def test_a_ban_holds_for_every_spelling_and_for_nothing_else(text: str) -> None:
    """Upper and lower case are alike in rules, so that a host with case is left out there."""
    number = dict(map(reversed, CASES))[text]
    ban = Policy(banned_specs=(re.escape(spec(repo_of(text), "main")) + "$",))
    for same in SAME[number]:
        with pytest.raises(NotAllowed):
            judge(ban, LaunchRequest(repo_of(same), "main"))
    for other in others(number):
        if other.identity.casefold() != repo_of(text).identity.casefold():
            judge(ban, LaunchRequest(other, "main"))


@pytest.mark.parametrize(("number", "text"), CASES, ids=[text for _, text in CASES])
def test_trust_of_an_administrator_is_for_a_repository_as_it_is_fetched(number, text) -> None:
    repo = repo_of(text)
    trust = Policy(trusted_specs=(re.escape(spec(repo, "main")) + "$",))
    assert is_trusted(trust, LaunchRequest(repo, "main"))
    for other in others(number):
        if other.identity.casefold() != repo.identity.casefold():
            assert not is_trusted(trust, LaunchRequest(other, "main"))


def test_trust_in_https_is_no_trust_in_what_can_be_changed_on_the_way() -> None:
    https, http = (repo_of(f"git/{s}://git.example.org/a/b") for s in ("https", "http"))
    assert https.identity == http.identity
    assert rights(LaunchRequest(http)) - rights(LaunchRequest(https)) == {UNENCRYPTED}
    assert not is_trusted(Policy(trusted_specs=("git/https://",)), LaunchRequest(http))


@pytest.mark.parametrize("line", SAME, ids=[line[0] for line in SAME])
def test_another_spelling_changes_nothing_about_a_server(line: list[str]) -> None:
    launches = [
        admit(Policy(), LaunchRequest(repo), Commit(repo, "main", "a" * 40), user="ana")
        for repo in map(repo_of, line)
    ]
    assert {changes(launches[0], launch) for launch in launches} == {()}


def test_a_sync_knows_its_own_project_by_every_spelling(tmp_path: Path) -> None:
    upstream = Upstream(tmp_path / "upstream.git")
    commit = upstream.commit({b"a": b"1"})
    bundle = upstream.bundle(commit)
    repos = {text: repo_of(text) for _, text in CASES}

    def request(text: str, folder: str) -> Request:
        repo = repos[text]
        return Request(
            str(bundle), commit, repo.url, str(tmp_path), folder, update=False,
            caseless=repo.caseless,
        )  # fmt: skip

    for number, line in enumerate(SAME):
        sync(request(line[0], str(number)))
        for other, text in CASES:
            assert is_current(request(text, str(number))) is (other == number), (line[0], text)
