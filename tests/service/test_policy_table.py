"""Policy, rights and changes as tables: what is asked for, what is allowed, in which words."""

from dataclasses import fields, replace

import pytest

from binderhub_ext.core.changes import changes
from binderhub_ext.core.errors import BadLink, NotAllowed
from binderhub_ext.core.launch import Access, Content, Files, LaunchRequest, VolumeRequest
from binderhub_ext.core.policy import Policy, Size, admit, is_trusted, judge, server_of
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.rights import ANY_COMMIT, HOME, PROJECT, rights, words

GH = Repo("gh", "Owner/Name", "https://github.com/Owner/Name")
GIT = Repo("git", "https://github.com/owner/name.git", "https://github.com/owner/name.git")
OTHER = Repo("git", "https://git.example/a/b", "https://git.example/a/b")

ALLOWED = "allowed"


@pytest.mark.parametrize(
    ("policy", "request_", "verdict"),
    [
        (Policy(), LaunchRequest(GH), ALLOWED),
        (Policy(allowed_specs=()), LaunchRequest(GH), "not among"),
        (Policy(allowed_specs=("gh/owner/",)), LaunchRequest(GH), ALLOWED),
        (Policy(allowed_specs=("gh/owner/",)), LaunchRequest(GIT), ALLOWED),
        (Policy(allowed_specs=("gh/owner/",)), LaunchRequest(OTHER), "not among"),
        (Policy(allowed_specs=("owner/",)), LaunchRequest(GH), "not among"),
        (Policy(banned_specs=("gh/owner/name/",)), LaunchRequest(GH), "not allowed on this hub"),
        (Policy(banned_specs=("gh/owner/name/",)), LaunchRequest(GIT), "not allowed on this hub"),
        (Policy(banned_specs=("gh/owner/name/",)), LaunchRequest(OTHER), ALLOWED),
        (Policy(banned_specs=(r"git/https://git\.example/",)), LaunchRequest(OTHER), "not allowed"),
        (Policy(banned_specs=("gh/owner/.*/evil",)), LaunchRequest(GH, "evil"), "not allowed"),
        (Policy(), LaunchRequest(None), "neither a repository nor an image"),
        (Policy(), LaunchRequest(None, image="a/b:1"), "not on this hub's list"),
        (Policy(images=("a/b:.*",)), LaunchRequest(None, image="a/b:1"), ALLOWED),
        (Policy(images=("a/b",)), LaunchRequest(None, image="a/b:1"), "not on this hub's list"),
        (Policy(files=(Files.PROJECT,)), LaunchRequest(GH, files=Files.HOME), "files=home"),
        (Policy(max_volumes=0), LaunchRequest(GH, volumes=(VolumeRequest("x"),)), "at most 0"),
        (Policy(), LaunchRequest(GH, server="Not a name"), "cannot be the name"),
        (Policy(), LaunchRequest(GH, server="fine-name"), ALLOWED),
        (Policy(), LaunchRequest(GH, memory=1), "of memory"),
        (Policy(max_memory=2), LaunchRequest(GH, memory=2), ALLOWED),
        (Policy(), LaunchRequest(GH, cpu=0.5), "asks for 0.5 processors"),
        (Policy(), LaunchRequest(GH, size="large"), "On offer: none"),
        (Policy(max_idle=60), LaunchRequest(GH, idle=61), "at most 1m"),
    ],
)
def test_judgement(policy, request_, verdict):
    if verdict == ALLOWED:
        judge(policy, request_)
        return
    with pytest.raises((NotAllowed, BadLink), match=verdict):
        judge(policy, request_)


def test_a_ban_also_holds_for_what_the_ref_turned_out_to_be():
    commit = Commit(GH, "main", "b" * 40)
    with pytest.raises(NotAllowed):
        admit(Policy(banned_specs=("gh/owner/name/bbbb",)), LaunchRequest(GH), commit, user="ana")


def test_an_admitted_launch_is_exact():
    policy = Policy(sizes={"large": Size(2**30, 2), "lab's": Size(1, 1, ("lab", "crew"))})
    assert list(policy.of(()).sizes) == ["large"] == list(policy.of(["x"]).sizes)
    assert policy.of(["x", "crew"]) == policy
    commit = Commit(GH, "main", "b" * 40)
    launch = admit(policy, LaunchRequest(GH, size="large"), commit, user="ana")
    assert (launch.user, launch.commit, launch.project) == ("ana", commit, "projects/owner/name")
    assert (launch.memory, launch.cpu) == (2**30, 2)


def test_one_repository_has_one_server_however_it_is_spelt():
    assert server_of(LaunchRequest(GH)) == server_of(LaunchRequest(GIT))
    assert server_of(LaunchRequest(GH)) != server_of(LaunchRequest(OTHER))
    assert server_of(LaunchRequest(GH, server="mine")) == "mine"


@pytest.mark.parametrize(
    ("repo", "trusted"),
    [(GH, True), (GIT, True), (OTHER, False), (None, False)],
)
def test_trust_in_a_repository_is_for_every_spelling_of_it(repo, trusted):
    policy = Policy(trusted_specs=("gh/owner/name/",))
    assert is_trusted(policy, LaunchRequest(repo)) is trusted


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (LaunchRequest(GH), {PROJECT}),
        (LaunchRequest(GH, files=Files.NONE), set()),
        (LaunchRequest(GH, files=Files.HOME), {PROJECT, HOME}),
        (LaunchRequest(GH, "v1.0"), {PROJECT}),
        (LaunchRequest(GH, "a" * 40), {PROJECT, ANY_COMMIT}),
        (LaunchRequest(GH, "abcdef1"), {PROJECT, ANY_COMMIT}),
        (LaunchRequest(GH, "refs/pull/1/head"), {PROJECT, ANY_COMMIT}),
        (LaunchRequest(GH, "pull/1/head"), {PROJECT, ANY_COMMIT}),
        (LaunchRequest(GH, "pull-requests/1/from"), {PROJECT, ANY_COMMIT}),
        (LaunchRequest(GH, "refs/heads/main"), {PROJECT}),
        (LaunchRequest(GH, urlpath="lab/tree/a.ipynb"), {PROJECT}),
        (LaunchRequest(GH, urlpath="rstudio/"), {PROJECT}),
        (
            LaunchRequest(GH, volumes=(VolumeRequest("x", access=Access.RO),)),
            {PROJECT, "read the volume:x"},
        ),
        (
            LaunchRequest(GH, volumes=(VolumeRequest("x", "there"),)),
            {PROJECT, "read the volume:x at there", "change the volume:x at there"},
        ),
        (LaunchRequest(GH, image="a/b"), {PROJECT, "run in the image:a/b"}),
        (LaunchRequest(GH, share=("ben",)), {PROJECT, "share with:ben"}),
        (LaunchRequest(GH, server="two"), {PROJECT, "start the server:two"}),
        (LaunchRequest(GH, size="large"), {PROJECT, "have the size:large"}),
        (LaunchRequest(GH, memory=2**30), {PROJECT, "have memory:1G"}),
        (LaunchRequest(GH, cpu=0.5), {PROJECT, "have processors:0.5"}),
        (LaunchRequest(GH, idle=90), {PROJECT, "run on without use for:1m30s"}),
    ],
)
def test_rights(request_, expected):
    assert rights(request_) == expected


MORE = {
    "ref": "a" * 40,
    "files": Files.HOME,
    "volumes": (VolumeRequest("x"),),
    "content": (Content(OTHER),),
    "urlpath": "lab?reset",
    "image": "a/b",
    "server": "two",
    "size": "large",
    "memory": 1,
    "cpu": 0.1,
    "idle": 1,
    "share": ("ben",),
    "class_id": "abcdefgh",
    "extra": (("x", "1"),),
}
"""For each field of a request something that trust in the plain link must not cover."""
NOTHING_MORE = {
    "target": "lab",
    "filepath": "lab",
    "environment": "plain",
    # Named alone they give nothing: their person ticks them each time.
    "secrets": ("KEY",),
}


def test_trust_in_a_plain_link_covers_nothing_else_of_a_request():
    assert {field.name for field in fields(LaunchRequest)} == {"repo", *MORE, *NOTHING_MORE}
    plain = rights(LaunchRequest(GH))
    for name, value in MORE.items():
        more = rights(replace(LaunchRequest(GH), **{name: value}))
        assert more > plain, name
        assert words(more) != words(plain), name
    for name, value in NOTHING_MORE.items():
        assert rights(replace(LaunchRequest(GH), **{name: value})) == plain


@pytest.mark.parametrize(
    "urlpath", ["git-pull?repo=https://evil.example", "lab?reset", "lab/tree/a?x=1", "api/kernels"]
)
def test_a_page_that_may_act_is_a_right_of_its_own(urlpath):
    assert len(rights(LaunchRequest(GH, urlpath=urlpath)) - {PROJECT}) == 1
    assert urlpath in words(rights(LaunchRequest(GH, urlpath=urlpath)))


def test_changes_are_told_and_a_target_is_none():
    request = LaunchRequest(GH)
    old = admit(Policy(), request, Commit(GH, "main", "a" * 40), user="ana")
    same = admit(
        Policy(), replace(request, urlpath="lab"), Commit(GH, "main", "a" * 40), user="ana"
    )
    assert changes(old, same) == ()
    new = admit(
        Policy(),
        replace(request, files=Files.HOME, volumes=(VolumeRequest("x"),)),
        Commit(GH, "main", "b" * 40),
        user="ana",
    )
    told = " ".join(changes(old, replace(new, image="other")))
    for word in ("bbbbbbb", "whole home", "volumes", "another environment"):
        assert word in told
    assert "environment" not in " ".join(changes(old, replace(new, image="other"), image=False))
