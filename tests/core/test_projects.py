"""The folder of a repository: same for the same one, apart and not nested for any two others."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.projects import (
    NAME_MAX,
    Past,
    folder_of,
    is_project_folder,
    project_folder,
)
from binderhub_ext.core.repo import Repo


def git(url: str) -> Repo:
    return Repo("git", url, url)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://github.com/Owner/Name", "projects/owner/name"),
        ("https://github.com/owner/name.git", "projects/owner/name"),
        ("https://www.github.com/owner/name/", "projects/owner/name"),
        ("ssh://git@github.com/owner/name.git", "projects/owner/name"),
        ("https://github.com/a.b/c", "projects/github.com/a.b/c"),
        ("https://gist.github.com/User/ABC.git", "projects/gist.github.com/user/abc"),
        ("https://bitbucket.org/Team/Proj.git", "projects/bitbucket.org/team/proj"),
        ("https://codeberg.org/Team/Proj", "projects/codeberg.org/team/proj"),
        ("https://gitlab.com/Group/Sub/Name", "projects/gitlab.com/group+sub/name"),
        ("https://git.example.org/Group/Name.git", "projects/git.example.org/Group/Name"),
        ("https://git.example.org:443/a/b", "projects/git.example.org/a/b"),
        ("http://127.0.0.1:8000/name.git", "projects/127.0.0.1+8000/-/name"),
        ("http://localhost/owner/name", "projects/localhost./owner/name"),
        ("http://LOCALHOST.:8000/owner/name", "projects/localhost.+8000/owner/name"),
        ("http://[::1]:8000/a/b", "projects/=3a=3a1.+8000/a/b"),
        ("https://dev.azure.com/o/My%20P/_git/r", "projects/dev.azure.com/o+My=20P+_git/r"),
        ("https://h.org/../../etc/passwd", "projects/h.org/=2e.+=2e.+etc/passwd"),
        ("https://h.org/%2e%2e/%2E", "projects/h.org/=2e./=2e"),
        ("https://h.org/-rf/--x", "projects/h.org/=2drf/=2d-x"),
        ("https://h.org/a%2fb/c%00", "projects/h.org/a=2fb/c=00"),
        ("https://h.org/a//b", "projects/h.org/a+=/b"),
        ("https://h.org/", "projects/h.org/-/="),
        ("https://h.org/ü/x", "projects/h.org/ü/x"),
        ("https://h.org/u\N{COMBINING DIAERESIS}/x", "projects/h.org/u=cc=88/x"),
        ("https://h.org/学校/数据.git", "projects/h.org/学校/数据"),
        ("https://h.org/%E5%AD%A6%E6%A0%A1/a%20b", "projects/h.org/学校/a=20b"),
        ("https://h.org/%FF/\N{ZERO WIDTH SPACE}", "projects/h.org/=ff/=e2=80=8b"),
        ("https://xn--mller-kva.example/x/y", "projects/müller.example/x/y"),
        ("https://h.org/x?p=a", "projects/h.org/-/x=3fp=3da"),
        ("http://[bad/x", "projects/_git/http=3a+=+=5bbad/x"),
    ],
)
def test_table(url: str, folder: str) -> None:
    assert project_folder(git(url)) == folder


def test_provider_without_a_host() -> None:
    assert project_folder(Repo("zenodo", "10.5281/zenodo.1", "")) == (
        "projects/_zenodo/10.5281/zenodo.1"
    )


def test_long_names_are_cut_and_stay_apart() -> None:
    for a, b in (("a", "b"), ("学", "é")):
        long = f"https://h.org/{a * 300}/{b * 300}"
        one, two = (project_folder(git(f"{long}{n}")) for n in (1, 2))
        assert one != two
        assert all(len(part.encode()) <= NAME_MAX for part in one.split("/"))
        assert is_project_folder(one)


UPPER, LOWER, ODD = (
    git(f"https://bitbucket.org/{n}") for n in ("Team/Proj", "team/proj", "TEAM/x")
)


@pytest.mark.parametrize(
    ("repo", "past", "folder"),
    [
        (UPPER, [], "projects/bitbucket.org/team/proj"),
        (UPPER, [Past(ODD, "projects/other", True)], "projects/bitbucket.org/team/proj"),
        (LOWER, [Past(UPPER, "projects/old", True)], "projects/old"),
        (LOWER, [Past(UPPER, "projects/failed", False)], "projects/failed"),
        (LOWER, [Past(UPPER, "projects/new", True), Past(LOWER, "projects/own", True)],
         "projects/own"),
        (LOWER, [Past(LOWER, "projects/failed", False), Past(UPPER, "projects/ran", True)],
         "projects/ran"),
        (UPPER, [Past(UPPER, "projects/newest", True), Past(UPPER, "projects/older", True)],
         "projects/newest"),
    ],
)  # fmt: skip
def test_a_folder_that_somebody_has_stays_theirs(repo: Repo, past: list[Past], folder: str) -> None:
    assert folder_of(repo, past) == folder


hosts = st.sampled_from(["github.com", "localhost", "a.b", "a", "a:81", "a.b:81", "_a", "git."])
names = st.text(st.sampled_from("abAB.-_=+~%2eé/ \0\n"), max_size=8) | st.text(max_size=6)
urls = st.builds(lambda host, path: f"https://{host}/{path}", hosts, names)
repos = urls.map(git) | st.builds(
    Repo, st.sampled_from(["zenodo", "git"]), names, st.sampled_from(["", "x"])
)


@given(repos)
def test_every_part_is_a_safe_name(repo: Repo) -> None:
    first, *parts = project_folder(repo).split("/")
    assert first == "projects"
    for part in parts:
        assert part == "-" or part[0] not in ".-", part
        assert all(c in "._-=+" or unicodedata.category(c)[0] in "LMN" for c in part), part
        assert len(part.encode()) <= NAME_MAX


def _same(one: Repo, two: Repo) -> bool:
    """The documented rule of which addresses mean one repository, written independently."""
    return _key(one) == _key(two)


def _key(repo: Repo) -> tuple[object, ...]:
    from urllib.parse import unquote_to_bytes, urlsplit

    url = urlsplit(repo.url)
    if not url.hostname:
        return (repo.provider, repo.name)
    path = url.path.strip("/")
    last = url.path.strip("/").rpartition("/")[2]
    if unquote_to_bytes(last).endswith(b".git") and unquote_to_bytes(last) != b".git":
        path = path[: -len(last)] + unquote_to_bytes(last).decode("latin-1")[:-4]
    parts = tuple(unquote_to_bytes(p.encode("utf-8")) for p in path.split("/"))
    if url.hostname == "github.com":
        parts = tuple(p.lower() for p in parts)
    return (url.hostname.rstrip("."), url.port, parts, url.query, url.fragment)


@given(repos, repos)
def test_two_repositories_share_nothing(one: Repo, two: Repo) -> None:
    if _same(one, two):
        assert project_folder(one) == project_folder(two)
    else:
        a, b = project_folder(one), project_folder(two)
        assert not f"{a}/".startswith(f"{b}/")
        assert not f"{b}/".startswith(f"{a}/")
