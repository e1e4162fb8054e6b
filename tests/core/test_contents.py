"""Content of links: what each value means, where it stands, and what is in the way of what."""

from __future__ import annotations

import pytest

from binderhub_ext.core.badges import elsewhere
from binderhub_ext.core.changes import changes
from binderhub_ext.core.contents import CONTENT_MAX, place_of, projects_of
from binderhub_ext.core.errors import BadLink, NotAllowed, UnknownProvider
from binderhub_ext.core.launch import Launch, LaunchRequest, read_ticket, sign_ticket
from binderhub_ext.core.links import read_link, write_link
from binderhub_ext.core.paste import understand
from binderhub_ext.core.policy import Policy, admit, is_trusted, judge, server_of
from binderhub_ext.core.repo import Commit
from binderhub_ext.core.updates import FileChange, State, Update, What, together

GIT = "https%253A%252F%252F"
PULL = "git-pull%3Frepo%3Dhttps%253A%252F%252Fgithub.com%252Fo%252F"


def read(*content: str, more: str = "") -> LaunchRequest:
    query = "&".join(f"content={one}" for one in content)
    return read_link("gh", "o/env/main", f"{query}&{more}")


def admitted(request: LaunchRequest) -> Launch:
    commits = [Commit(one.repo, one.ref, "a" * 40) for one in request.sources]
    content = projects_of(request, commits[1:], [""] * len(request.content))
    return admit(Policy(), request, commits[0], user="ana", content=content)


@pytest.mark.parametrize(
    ("text", "url", "ref", "place"),
    [
        ("gh/o/Week-1/main", "https://github.com/o/Week-1", "main", "Week-1"),
        ("gh/o/n/feature/x", "https://github.com/o/n", "feature/x", "n"),
        ("gh/o/.github/HEAD", "https://github.com/o/.github", "HEAD", "=2egithub"),
        ("read/me:gh/o/n/v1.0", "https://github.com/o/n", "v1.0", "read/me"),
        ("gl/g%252Fh/HEAD", "https://gitlab.com/g/h.git", "HEAD", "h"),
        (f"git/{GIT}x.example%252Fa.git/HEAD", "https://x.example/a.git", "HEAD", "a"),
        (f"git/{GIT}github.com%252Fo%252Fn/HEAD", "https://github.com/o/n", "HEAD", "n"),
        ("git/https%3A%2F%2Fx.example%2Fo%2Fa/main", "https://x.example/o/a", "main", "a"),
        ("w:git/https://x.example/o/a/main", "https://x.example/o/a", "main", "w"),
        ("zenodo/10.5281/zenodo.12", "https://doi.org/10.5281/zenodo.12", "HEAD", "zenodo.12"),
    ],
)  # fmt: skip
def test_a_value(text: str, url: str, ref: str, place: str) -> None:
    (content,) = read(text).content
    assert (content.repo.url, content.ref, place_of(content)) == (url, ref, place)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (["gh"], "does not name content"),
        (["o/n"], "no provider “o”"),
        (["gh/o/n"], "no ref"),
        (["image/a%252Fb"], "is an image"),
        (["gh/o/env/dev"], "o/env twice"),
        (["git/https%253A%252F%252Fgithub.com%252FO%252FEnv/HEAD"], "O/Env twice"),
        (["gh/o/a/main", "gh/o/a/dev"], "o/a twice"),
        (["gh/o/a/main", "gh/p/A/main"], "in each other's way at A"),
        (["gh/o/a/main", "a/b:gh/o/b/main"], "in each other's way at a/b"),
        (["A:gh/o/b/main", "gh/o/a/main"], "in each other's way"),
        (["\u00e9:gh/o/a/main", "e\u0301:gh/o/b/main"], "in each other's way"),
        (["\uff41:gh/o/b/main", "gh/o/a/main"], "in each other's way"),
        (["\uff30rojects:gh/o/a/main"], "cannot be in the folder"),
        ([".hidden:gh/o/a/main"], "cannot be in the folder"),
        (["x/.git:gh/o/a/main"], "cannot be in the folder"),
        (["~:gh/o/a/main"], "cannot be in the folder"),
        (["/etc:gh/o/a/main"], "cannot be in the folder"),
        (["../x:gh/o/a/main"], ""),
        ([":gh/o/a/main"], "cannot be in the folder"),
        (["projects:gh/o/a/main"], "cannot be in the folder"),
        (["shared-volumes/x:gh/o/a/main"], "cannot be in the folder"),
        (["gh/o/shared/main"], "cannot be in the folder"),
        ([f"gh/o/n{n}/main" for n in range(CONTENT_MAX + 1)], "at most 10"),
    ],
)
def test_refused_in_words(content: list[str], words: str) -> None:
    with pytest.raises((BadLink, UnknownProvider)) as raised:
        read(*content)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("link", "means"),
    [
        (f"{PULL}week", "?filepath=week&content=gh/o/week/HEAD"),
        (f"{PULL}week%26branch%3Ddev%26app%3Dlab", "?labpath=week&content=gh/o/week/dev"),
        (
            f"{PULL}week%26urlpath%3Dlab%252Ftree%252Fweek%252Fa.ipynb%253Fautodecode%26branch%3Dmain",
            "?urlpath=lab/tree/week/a.ipynb&content=gh/o/week/main",
        ),
        (
            f"{PULL}week%26targetPath%3Dw1%26subPath%3Da.ipynb%26app%3Dlab",
            "?labpath=w1/a.ipynb&content=w1:gh/o/week/HEAD",
        ),
        (
            f"{PULL}one%26urlpath%3Dgit-pull%253Frepo%253Dhttps%25253A%25252F%25252Fgithub.com%25252Fo"
            "%25252Ftwo%2526urlpath%253Dlab",
            "?urlpath=lab&content=gh/o/one/HEAD&content=gh/o/two/HEAD",
        ),
        (
            f"{PULL}env%26branch%3Dmain%26urlpath%3Dlab%252Ftree%252Fenv%252Fa.ipynb",
            "?labpath=a.ipynb",
        ),
        (f"{PULL}env", ""),
        (
            f"{PULL}env%26urlpath%3Dgit-pull%253Frepo%253Dhttps%25253A%25252F%25252Fgithub.com%25252Fo"
            "%25252Ftwo",
            "?filepath=two&content=gh/o/two/HEAD",
        ),
        ("git-pull%3Fx%3D1", "?urlpath=git-pull?x=1"),
    ],
)  # fmt: skip
def test_nbgitpullers_binder_form(link: str, means: str) -> None:
    request = read_link("gh", "o/env/main", f"urlpath={link}")
    assert write_link(request).replace("%3F", "?").replace("%3D", "=") == f"v2/gh/o/env/main{means}"
    there = understand(elsewhere(request, "https://mybinder.org")).request
    assert there.content == request.content
    path, _, query = write_link(request).removeprefix("v2/gh/").partition("?")
    assert read_link("gh", path, query) == request


def test_a_pull_within_a_hubs_link_is_content() -> None:
    hub = "https://hub.example.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgithub.com%2Fo%2F"
    request = understand(f"{hub}env&urlpath={PULL}week").request
    assert write_link(request) == "v2/gh/o/env/HEAD?filepath=week&content=gh/o/week/HEAD"
    with pytest.raises(BadLink, match="twice"):
        understand(f"{hub}week&urlpath={PULL}week%26branch%3Ddev")


def test_another_branch_of_the_environments_own_is_no_content() -> None:
    with pytest.raises(BadLink, match="twice"):
        read_link("gh", "o/env/main", f"urlpath={PULL}env%26branch%3Ddev")


def test_elsewhere_pulls_git_repositories_only() -> None:
    with pytest.raises(BadLink, match="Git repositories only"):
        elsewhere(read("zenodo/10.5281/zenodo.3242074"), "https://mybinder.org")


def test_a_volume_and_content_in_one_place() -> None:
    for volume in ("data:projects/o/env/week", "data:projects/o/env/Week/in"):
        with pytest.raises(BadLink, match="in each other's way"):
            admitted(read("gh/o/week/main", more=f"volume={volume}"))
    admitted(read("gh/o/week/main", more="volume=data:projects/o/env/data"))


def test_every_repository_is_judged() -> None:
    request = read("gh/o/week/main")
    with pytest.raises(NotAllowed, match="o/week is not allowed"):
        judge(Policy(banned_specs=("gh/o/week/.*",)), request)
    with pytest.raises(NotAllowed, match="o/week is not among"):
        judge(Policy(allowed_specs=("gh/o/env/.*",)), request)
    with pytest.raises(NotAllowed, match="o/week is not allowed"):
        commits = [Commit(one.repo, one.ref, "b" * 40) for one in request.sources]
        content = projects_of(request, commits[1:], [""])
        ban = Policy(banned_specs=("gh/o/week/bbbb",))
        admit(ban, request, commits[0], user="ana", content=content)
    assert not is_trusted(Policy(trusted_specs=("gh/o/env/",)), request)
    assert is_trusted(Policy(trusted_specs=("gh/o/",)), request)


def test_a_server_for_each_set_of_content() -> None:
    env, week, both = read(), read("gh/o/week/main"), read("gh/o/week/main", "gh/o/data/main")
    names = [server_of(request) for request in (env, week, both)]
    assert len(set(names)) == 3 and names[1].startswith("week-")
    assert server_of(read("gh/o/week/dev")) == names[1] == admitted(week).server


def test_tickets_and_changes_know_content() -> None:
    old, new = admitted(read("gh/o/week/main")), admitted(read("w:gh/o/week/main"))
    secret = sign_ticket(old, "secret")
    assert read_ticket(secret, "secret", user="ana", server=old.server) == old
    assert changes(old, old) == ()
    (told,) = changes(old, new)
    assert told == "Its content would be o/week in w instead of o/week in week."


def test_updates_of_several_are_told_as_one() -> None:
    one = Update(State.UNCHANGED, "a", "a")
    changed = (FileChange("x", What.BESIDE, "y"),)
    two = Update(State.UPDATED, "c", "b", changes=changed, counts={What.BESIDE: 1})
    assert together([]) is None
    assert together([("", one)]) == one
    whole = together([("", one), ("week", two)])
    assert whole and (whole.state, whole.previous, whole.conflicts) == (State.UPDATED, "b", 1)
    assert whole.changes == (FileChange("week/x", What.BESIDE, "week/y"),)
