"""Sync, as a table of what people and repositories do, with real Git on both sides."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from upstream import URL, File, Link, Person, Program, Tree, Upstream, git

from binderhub_ext.core.errors import BinderError, Conflict
from binderhub_ext.storage.sync.call import command, is_current, read_answer
from binderhub_ext.storage.sync.report import note, to_text
from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Keep, State, SyncError, What

FIRST: Tree = {
    b"README.md": b"one\n",
    b"run.sh": Program(b"#!/bin/sh\n"),
    b"data/a.csv": b"1,2\n",
    b"data/b.csv": b"3,4\n",
    b"link": Link(b"README.md"),
    b"\xff\nodd name": b"odd\n",
}


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream.git")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path / "home")


@pytest.fixture
def started(upstream: Upstream, person: Person) -> Person:
    """A person whose project is at the commit `FIRST`."""
    person.sync(upstream, upstream.commit(FIRST))
    return person


def test_first_launch_is_a_real_clone(upstream: Upstream, person: Person) -> None:
    commit = upstream.commit(FIRST)
    report = person.sync(upstream, commit)
    assert report.state is State.CREATED
    assert person.tree() == FIRST
    assert person.status() == b""
    assert git(person.project, "config", "remote.origin.url").decode().strip() == URL
    assert git(person.project, "symbolic-ref", "HEAD") == b"refs/heads/main\n"
    assert git(person.project, "rev-parse", "@{upstream}").decode().strip() == commit
    git(person.project, "fsck", "--strict")
    assert [path.name for path in person.project.parent.iterdir()] == ["name"]


def test_first_launch_of_a_tag_is_detached(upstream: Upstream, person: Person) -> None:
    commit = upstream.commit(FIRST)
    person.sync(upstream, commit, branch="")
    assert git(person.project, "rev-parse", "HEAD").decode().strip() == commit
    with pytest.raises(subprocess.CalledProcessError):
        git(person.project, "symbolic-ref", "HEAD")


def test_sha256_repository(tmp_path: Path, person: Person) -> None:
    upstream = Upstream(tmp_path / "new.git", "sha256")
    person.sync(upstream, upstream.commit({b"a": b"1"}))
    person.sync(upstream, upstream.commit({b"a": b"2"}))
    assert person.tree() == {b"a": b"2"}
    assert person.status() == b""


def test_empty_commit(upstream: Upstream, person: Person) -> None:
    assert person.sync(upstream, upstream.commit({})).state is State.CREATED
    assert person.tree() == {}
    person.sync(upstream, upstream.commit({b"a": b"1"}))
    assert person.tree() == {b"a": b"1"}


def test_the_same_again_does_nothing(upstream: Upstream, person: Person) -> None:
    commit = upstream.commit(FIRST)
    assert not is_current(person.request(upstream, commit))
    person.sync(upstream, commit)
    assert is_current(person.request(upstream, commit))
    person.write(b"README.md", b"mine")
    assert person.sync(upstream, commit).state is State.UNCHANGED
    assert person.path(b"README.md").read_bytes() == b"mine"


def test_seed_leaves_a_project_alone(upstream: Upstream, started: Person) -> None:
    commit = upstream.commit({b"README.md": b"two\n"})
    assert is_current(started.request(upstream, commit, update=False))
    assert started.sync(upstream, commit, update=False).state is State.UNCHANGED
    assert started.tree() == FIRST


@pytest.mark.parametrize(
    "new",
    [
        {**FIRST, b"README.md": b"two\n"},
        {**FIRST, b"new/deep/file": b"new"},
        {path: content for path, content in FIRST.items() if not path.startswith(b"data/")},
        {**FIRST, b"run.sh": b"#!/bin/sh\n", b"README.md": Program(b"one\n")},
        {**FIRST, b"link": Link(b"data"), b"README.md": Link(b"run.sh")},
        {**FIRST, b"link": b"a file now"},
        {**{p: c for p, c in FIRST.items() if p != b"README.md"}, b"README.md/x": b"folder"},
        {**{p: c for p, c in FIRST.items() if b"/" not in p}, b"data": b"a file now"},
        {**{p: c for p, c in FIRST.items() if b"/" not in p}, b"data": Link(b"run.sh")},
        {**{p: c for p, c in FIRST.items() if p != b"README.md"}, b"ReadMe.md": b"one\n"},
        {**FIRST, b"\xff\nodd name": b"\x00\xff"},
        {**FIRST, b"big": os.urandom(3_000_000)},
        {b"only": b"this"},
        {},
    ],
)
def test_untouched_project_equals_the_commit(
    upstream: Upstream, started: Person, new: Tree
) -> None:
    commit = upstream.commit(new)
    assert started.sync(upstream, commit).state is State.UPDATED
    assert started.tree() == dict(new)
    assert started.status() == b""
    assert git(started.project, "rev-parse", "HEAD").decode().strip() == commit
    git(started.project, "fsck", "--strict")
    back = upstream.commit(FIRST)
    started.sync(upstream, back)
    assert started.tree() == FIRST
    assert started.status() == b""


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        (b"analysis.ipynb", b"analysis.incoming-%s.ipynb"),
        (b"Makefile", b"Makefile.incoming-%s"),
        (b".gitignore", b".gitignore.incoming-%s"),
        (b"d/a.tar.gz", b"d/a.tar.incoming-%s.gz"),
        (b"x" * 255, b"x" * 238 + b".incoming-%s"),
        (b"\xff.txt", b"\xff.incoming-%s.txt"),
    ],
)
def test_edited_on_both_sides(
    upstream: Upstream, person: Person, name: bytes, beside: bytes
) -> None:
    person.sync(upstream, upstream.commit({name: b"base"}))
    person.write(name, b"mine")
    commit = upstream.commit({name: b"theirs"})
    report = person.sync(upstream, commit)
    tree = person.tree()
    other = beside % commit[:7].encode()
    assert tree[name] == b"mine"
    assert tree[other] == b"theirs"
    assert [(c.path, c.what, c.other) for c in report.changes] == [(name, What.BESIDE, other)]
    text = tree[f"incoming-{commit[:7]}.md".encode()]
    assert isinstance(text, bytes)
    assert text.decode() == note(report)
    person.sync(upstream, commit)
    assert person.tree() == tree


@pytest.mark.parametrize(
    ("keep", "name", "other"),
    [
        (Keep.MINE, b"mine", {}),
        (Keep.BOTH, b"mine", {"a.incoming-{}.txt": b"theirs"}),
        (Keep.THEIRS, b"theirs", {"a.mine-{}.txt": b"mine"}),
    ],
)
def test_choice(
    upstream: Upstream, person: Person, keep: Keep, name: bytes, other: dict[str, bytes]
) -> None:
    person.sync(upstream, upstream.commit({b"a.txt": b"base"}))
    person.write(b"a.txt", b"mine")
    commit = upstream.commit({b"a.txt": b"theirs"})
    person.sync(upstream, commit, keep=keep)
    tree = person.tree()
    tree.pop(f"incoming-{commit[:7]}.md".encode(), None)
    others = {path.format(commit[:7]).encode(): content for path, content in other.items()}
    assert tree == {b"a.txt": name, **others}


def test_deleted_here_stays_deleted(upstream: Upstream, started: Person) -> None:
    started.delete(b"README.md")
    started.delete(b"data")
    started.sync(upstream, upstream.commit({**FIRST, b"README.md": b"two\n", b"data/a.csv": b"5"}))
    assert b"README.md" not in started.tree()
    assert not started.path(b"data").exists()


def test_deleted_here_comes_back_on_request(upstream: Upstream, started: Person) -> None:
    started.delete(b"README.md")
    commit = upstream.commit({**FIRST, b"README.md": b"two\n"})
    started.sync(upstream, commit, keep=Keep.THEIRS)
    assert started.tree()[b"README.md"] == b"two\n"


def test_put_aside_in_a_folder_that_is_put_aside_then(upstream: Upstream, started: Person) -> None:
    """Report and note name where each version is in the end."""
    started.write(b"data/a.csv", b"mine")
    started.write(b"data/own/x", b"own")
    commit = upstream.commit({b"data": b"a file now"})
    report = started.sync(upstream, commit, keep=Keep.THEIRS)
    aside = {change.path: change.other for change in report.changes if change.what is What.ASIDE}
    label = b"mine-" + commit[:7].encode()
    folder = b"data." + label
    assert aside == {b"data": folder, b"data/a.csv": folder + b"/a." + label + b".csv"}
    assert started.tree()[aside[b"data/a.csv"]] == b"mine"
    text = started.tree()[f"incoming-{commit[:7]}.md".encode()]
    assert isinstance(text, bytes)
    assert text.decode() == note(report)
    assert folder + b"/a." in text


def test_back_to_a_branch_that_went_on(upstream: Upstream, started: Person) -> None:
    started.sync(upstream, upstream.commit({b"a": b"1"}), branch="dev")
    commit = upstream.commit({b"a": b"2"})
    started.sync(upstream, commit, branch="main")
    assert git(started.project, "symbolic-ref", "HEAD") == b"refs/heads/main\n"
    assert git(started.project, "rev-parse", "main").decode().strip() == commit


def test_edited_here_and_gone_there_stays(upstream: Upstream, started: Person) -> None:
    started.write(b"README.md", b"mine")
    report = started.sync(upstream, upstream.commit({b"link": Link(b"x")}))
    assert started.tree()[b"README.md"] == b"mine"
    assert What.KEPT in [change.what for change in report.changes]


@pytest.mark.parametrize("mine", [b"mine", Link(b"/etc/passwd"), Program(b"mine")])
def test_untracked_file_in_the_way(upstream: Upstream, started: Person, mine: File) -> None:
    started.write(b"new.txt", mine)
    commit = upstream.commit({**FIRST, b"new.txt": b"theirs"})
    started.sync(upstream, commit)
    assert started.tree()[b"new.txt"] == mine
    assert started.tree()[f"new.incoming-{commit[:7]}.txt".encode()] == b"theirs"


def test_untracked_folder_in_the_way(upstream: Upstream, started: Person) -> None:
    started.write(b"new/mine", b"mine")
    commit = upstream.commit({**FIRST, b"new": b"theirs"})
    started.sync(upstream, commit)
    assert started.tree()[b"new/mine"] == b"mine"
    assert started.tree()[f"new.incoming-{commit[:7]}".encode()] == b"theirs"


def test_file_where_a_folder_comes(upstream: Upstream, started: Person) -> None:
    started.write(b"new", b"mine")
    commit = upstream.commit({**FIRST, b"new/a": b"1", b"new/b/c": b"2"})
    started.sync(upstream, commit)
    tree = started.tree()
    folder = f"new.incoming-{commit[:7]}".encode()
    assert (tree[b"new"], tree[folder + b"/a"], tree[folder + b"/b/c"]) == (b"mine", b"1", b"2")


def test_folder_replaced_by_a_link_is_not_entered(
    upstream: Upstream, started: Person, tmp_path: Path
) -> None:
    (outside := tmp_path / "outside").mkdir()
    (outside / "a.csv").write_bytes(b"1,2\n")
    started.write(b"data", Link(os.fsencode(outside)))
    commit = upstream.commit({**FIRST, b"data/a.csv": b"new", b"data/c.csv": b"new"})
    started.sync(upstream, commit)
    assert [(p.name, p.read_bytes()) for p in outside.iterdir()] == [("a.csv", b"1,2\n")]
    assert started.tree()[f"data.incoming-{commit[:7]}/a.csv".encode()] == b"new"


def test_renamed_there_and_edited_here(upstream: Upstream, started: Person) -> None:
    started.write(b"data/a.csv", b"mine")
    tree = {b"data/renamed.csv": FIRST[b"data/a.csv"], b"data/b.csv": b"3,4\n"}
    started.sync(upstream, upstream.commit(tree))
    assert started.tree()[b"data/a.csv"] == b"mine"
    assert started.tree()[b"data/renamed.csv"] == b"1,2\n"


def test_executable_bit_of_the_person_survives(upstream: Upstream, started: Person) -> None:
    started.path(b"README.md").chmod(0o755)
    started.path(b"run.sh").chmod(0o644)
    started.sync(upstream, upstream.commit({**FIRST, b"README.md": b"2", b"run.sh": Program(b"2")}))
    assert started.tree()[b"README.md"] == Program(b"2")
    assert started.tree()[b"run.sh"] == b"2"


def test_line_endings_and_lfs_pointers(upstream: Upstream, person: Person) -> None:
    attributes = b"*.bat text eol=crlf\n*.bin filter=lfs diff=lfs -text\n"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 1\n"
    tree = {
        b".gitattributes": attributes,
        b"a.bat": b"one\ntwo\n",
        b"b.bat": b"same\n",
        b"c.bin": pointer % (b"0" * 64),
    }
    person.sync(upstream, upstream.commit(tree))
    assert person.tree()[b"a.bat"] == b"one\r\ntwo\r\n"
    new = {**tree, b"a.bat": b"three\n", b"c.bin": pointer % (b"1" * 64)}
    person.sync(upstream, upstream.commit(new))
    assert person.tree()[b"a.bat"] == b"three\r\n"
    assert person.tree()[b"c.bin"] == new[b"c.bin"]
    person.sync(upstream, upstream.commit({b".gitattributes": attributes}))
    assert person.tree() == {b".gitattributes": attributes}


def test_submodules_come_as_files(upstream: Upstream, person: Person) -> None:
    inner = upstream.commit({b"in.txt": b"1", b"deep/x": b"x"})
    refs = {f"refs/submodules/{inner}": inner}
    one = upstream.commit({b"top": b"1"}, {b"libs/sub": inner, b"absent": "1" * 40})
    person.sync(upstream, one)
    assert person.path(b"libs/sub").is_dir()
    other = Person(person.home.with_name("other"))
    request = other.request(upstream, one)
    upstream.bundle(one, refs)
    sync(request)
    assert other.tree() == {b"top": b"1", b"libs/sub/in.txt": b"1", b"libs/sub/deep/x": b"x"}
    assert other.path(b"absent").is_dir()
    assert other.status() == b""
    other.write(b"libs/sub/in.txt", b"mine")
    other.sync(upstream, upstream.commit({b"top": b"2"}))
    assert other.tree()[b"libs/sub/in.txt"] == b"mine"
    assert b"libs/sub/deep/x" not in other.tree()


def test_shallow_bundle(upstream: Upstream, person: Person, tmp_path: Path) -> None:
    upstream.commit({b"a": b"1"})
    tip = upstream.commit({b"a": b"2"})
    git(tmp_path, "clone", "-q", "--bare", "--depth=1", f"file://{upstream.folder}", "short.git")
    short = Upstream.__new__(Upstream)
    short.folder, short.count = tmp_path / "short.git", 0
    request = person.request(short, tip)
    short.bundle(tip, {f"refs/shallow/{tip}": tip})
    sync(request)
    assert git(person.project, "log", "--format=%H").decode().split() == [tip]
    git(person.project, "fsck", "--connectivity-only")
    person.sync(upstream, upstream.commit({b"a": b"3"}))
    assert person.status() == b""


def test_rewritten_history(upstream: Upstream, started: Person) -> None:
    git(upstream.folder, "update-ref", "-d", "refs/heads/main")
    commit = upstream.commit({**FIRST, b"README.md": b"rewritten\n"})
    started.sync(upstream, commit)
    assert started.tree()[b"README.md"] == b"rewritten\n"
    assert started.status() == b""
    git(started.project, "fsck", "--strict")


def test_own_commits_and_branch_are_left(upstream: Upstream, started: Person) -> None:
    started.write(b"README.md", b"mine\n")
    git(started.project, "commit", "-aqm", "mine")
    mine = git(started.project, "rev-parse", "HEAD")
    commit = upstream.commit({**FIRST, b"README.md": b"two\n", b"new": b"new"})
    report = started.sync(upstream, commit)
    assert git(started.project, "rev-parse", "HEAD") == mine
    assert git(started.project, "rev-parse", "origin/main").decode().strip() == commit
    assert started.tree()[b"README.md"] == b"mine\n"
    assert started.tree()[b"new"] == b"new"
    assert "git merge origin/main" in to_text(report)
    git(started.project, "fsck", "--strict")


def test_staged_changes_stay_staged(upstream: Upstream, started: Person) -> None:
    started.write(b"README.md", b"staged\n")
    git(started.project, "add", "README.md")
    started.sync(upstream, upstream.commit({**FIRST, b"README.md": b"two\n", b"new": b"new"}))
    assert git(started.project, "show", ":README.md") == b"staged\n"
    assert b"M  README.md" in started.status()
    assert b" new\n" not in started.status()


def test_index_lock_of_a_person_at_work_is_respected(upstream: Upstream, started: Person) -> None:
    (started.project / ".git/index.lock").touch()
    report = started.sync(upstream, upstream.commit({b"README.md": b"two\n"}))
    assert started.tree() == {b"README.md": b"two\n"}
    assert report.notes
    assert (started.project / ".git/index.lock").read_bytes() == b""


def test_another_branch_of_the_repository(upstream: Upstream, started: Person) -> None:
    first = git(started.project, "rev-parse", "HEAD")
    commit = upstream.commit({**FIRST, b"README.md": b"dev\n"})
    started.sync(upstream, commit, branch="dev")
    assert git(started.project, "symbolic-ref", "HEAD") == b"refs/heads/dev\n"
    assert git(started.project, "rev-parse", "main") == first
    assert started.status() == b""


@pytest.mark.parametrize("there", ["files", "clone", "no-git", "other-repository"])
def test_a_folder_we_did_not_make_is_left_alone(
    upstream: Upstream, person: Person, there: str
) -> None:
    commit = upstream.commit(FIRST)
    if there == "files":
        person.write(b"README.md", b"mine")
    elif there == "clone":
        person.project.parent.mkdir(parents=True)
        git(person.home, "clone", "-q", str(upstream.folder), str(person.project))
    else:
        person.sync(upstream, commit)
    if there == "no-git":
        person.delete(b".git")
    url = "https://git.example.org/x/y" if there == "other-repository" else URL
    before = person.tree()
    report = sync(replace(person.request(upstream, upstream.commit({b"a": b"b"})), url=url))
    assert report.state is State.UNTOUCHED
    assert "ename" in report.message
    assert person.tree() == before


@pytest.mark.parametrize("there", ["file", "link", "link-above", "dangling"])
def test_what_is_no_folder_is_in_the_way(
    upstream: Upstream, person: Person, tmp_path: Path, there: str
) -> None:
    (outside := tmp_path / "outside").mkdir()
    person.project.parent.mkdir(parents=True)
    if there == "file":
        person.project.touch()
    elif there == "link-above":
        person.project.parent.rmdir()
        person.project.parent.symlink_to(outside)
    else:
        person.project.symlink_to(outside if there == "link" else "nowhere")
    commit = upstream.commit(FIRST)
    if there == "link-above":
        with pytest.raises(SyncError, match="link or a file"):
            person.sync(upstream, commit)
    else:
        assert person.sync(upstream, commit).state is State.UNTOUCHED
    assert list(outside.iterdir()) == []


def test_an_empty_folder_gives_way(upstream: Upstream, person: Person) -> None:
    person.project.mkdir(parents=True)
    assert person.sync(upstream, upstream.commit(FIRST)).state is State.CREATED


@pytest.mark.parametrize("record", [b"", b"{}\n", b"\xff\xff", b'{"version": 1}\n', b"[]\nx"])
def test_damaged_record(upstream: Upstream, started: Person, record: bytes) -> None:
    started.path(b".git/binder-at-home/record").write_bytes(record)
    assert started.sync(upstream, upstream.commit({b"a": b"b"})).state is State.UNTOUCHED
    assert started.tree() == FIRST


NESTED = b"[" * 16_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("record", NESTED),
        ("record", b'{"version": 1, "commit": ' + b"9" * 8_000 + b"}\n"),
        (
            "record",
            b'{"version": 1, "url": "\\ud800", "branch": "", "commit": "%s", "tip": "%s"}\n',
        ),
        ("record", b'{"version": 1, "url": "", "branch": "../x", "commit": "%s", "tip": "%s"}\n'),
        ("pending/x", NESTED),
        ("pending/x.new", b""),
        ("moving/list", NESTED),
        (
            "replaced/list",
            NESTED + b"\n[1, [], 2]\n[1]\n{}\n" + b'["1", [], "\\ud800"]\n["' + b"1" * 5_000,
        ),
        ("replaced/list", b'["0", ["x"], "%s"]\n["1", [[]], "d"]' % (b"x" * 300)),
        (
            "replaced/list",
            b'["l", "rescued", "a", 1, "a"]\n["l", "x", "a", "", "a"]\n[[], [], [], [], []]',
        ),
        ("locked", b"../../x.lock"),
    ],
)
def test_anything_in_our_own_files(
    upstream: Upstream, started: Person, name: str, content: bytes
) -> None:
    """The person, and what runs as them, can write there: no record makes a launch fail."""
    place = started.path(b".git/binder-at-home") / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(content.replace(b"%s", b"a" * 40))
    commit = upstream.commit({b"a": b"b"})
    assert not is_current(started.request(upstream, commit))
    for _ in range(2):
        report = started.sync(upstream, commit)
    untouched = name == "record"
    assert report.state is (State.UNTOUCHED if untouched else State.UNCHANGED)
    assert started.tree() == (FIRST if untouched else {b"a": b"b"})


@pytest.mark.parametrize("kind", ["pipe", "link", "folder", "file", "closed"])
@pytest.mark.parametrize(
    "name", ["record", "record.new", "pending", "moving", "moving/list", "lock"]
)
def test_anything_else_in_place_of_our_own_files(
    upstream: Upstream, started: Person, name: str, kind: str
) -> None:
    started.delete(f".git/binder-at-home/{name}".encode())
    place = started.path(b".git/binder-at-home") / name
    place.parent.mkdir(exist_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "link":
            place.symlink_to("/etc")
        case "folder":
            place.mkdir()
        case "file":
            place.touch()
        case "closed":
            place.touch(mode=0)
    request = started.request(upstream, upstream.commit({b"a": b"b"}))
    assert not is_current(request)
    report = sync(request)
    assert report.state in (State.UNTOUCHED, State.UPDATED)
    assert started.tree() == ({b"a": b"b"} if report.state is State.UPDATED else FIRST)


@pytest.mark.parametrize("path", [b"../../../escaped", b".git/config", b"/etc/x", b"a/../../x"])
def test_record_that_points_outside(upstream: Upstream, started: Person, path: bytes) -> None:
    record = started.path(b".git/binder-at-home/record")
    head, _, rest = record.read_bytes().partition(b"\n")
    record.write_bytes(head + b"\n100644 %s %s %s\0" % (b"a" * 40, b"a" * 40, path) + rest)
    report = started.sync(upstream, upstream.commit({b"a": b"b"}))
    assert (report.state, started.tree()) == (State.UNTOUCHED, FIRST)


def test_configuration_in_the_project_is_never_run(
    upstream: Upstream, started: Person, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for key in ("core.fsmonitor", "filter.x.smudge", "filter.x.clean", "core.sshCommand"):
        git(started.project, "config", key, str(trap))
    hooks = started.project / ".git/hooks"
    hooks.mkdir()
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "post-merge"):
        (hooks / hook).symlink_to(trap)
    tree = {**FIRST, b".gitattributes": b"* filter=x\n", b"README.md": b"two\n"}
    started.sync(upstream, upstream.commit(tree))
    assert started.tree() == tree
    assert not (tmp_path / "sprung").exists()


def test_plan_says_what_happens_and_does_nothing(upstream: Upstream, started: Person) -> None:
    started.write(b"README.md", b"mine")
    started.delete(b"run.sh")
    new = {b"README.md": b"two", b"run.sh": b"2", b"data": b"file", b"link/x": b"x"}
    commit = upstream.commit(new)
    before = started.tree()
    planned = started.sync(upstream, commit, plan=True)
    assert started.tree() == before
    done = started.sync(upstream, commit)
    assert {(c.path, c.what) for c in planned.changes} == {(c.path, c.what) for c in done.changes}


def test_plan_knows_what_the_update_before_left(upstream: Upstream, started: Person) -> None:
    """A file written into while it was replaced, a submodule, and a file where a folder comes."""
    with started.path(b"README.md").open("ab") as log:
        started.sync(upstream, upstream.commit({**FIRST, b"README.md": b"2"}, {b"sub": "1" * 40}))
        log.write(b"late")
    started.write(b"new", b"mine")
    new = {b"new/a": b"1", b"new/b": b"2", b"sub": b"3"}
    request = started.request(upstream, upstream.commit(new, {b"other": "1" * 40}))
    for keep in Keep:
        planned = sync(replace(request, plan=True, keep=keep))
        home = Person(started.home.with_name(f"home-{keep}"))
        shutil.copytree(started.home, home.home, symlinks=True, dirs_exist_ok=True)
        done = sync(replace(request, root=str(home.home), keep=keep))
        assert What.RESCUED in {change.what for change in done.changes}
        assert sorted((c.path, c.what) for c in planned.changes) == sorted(
            (c.path, c.what) for c in done.changes
        )


def test_plan_of_a_first_launch(upstream: Upstream, person: Person) -> None:
    report = person.sync(upstream, upstream.commit(FIRST), plan=True)
    assert {change.path for change in report.changes} == set(FIRST)
    assert not person.project.exists()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("commit", "HEAD", "bad-commit"),
        ("commit", "--help", "bad-commit"),
        ("branch", "-x", "bad-branch"),
        ("branch", "a/../b", "bad-branch"),
        ("branch", "a\nb", "bad-branch"),
        ("branch", "a.lock", "bad-branch"),
        ("into", "../x", "bad-folder"),
        ("into", "/etc", "bad-folder"),
        ("url", "https://x/\n[core]", "bad-url"),
        ("bundle", "/nonexistent", "no-bundle"),
        ("bundle", "/etc/hostname", "bad-bundle"),
    ],
)
def test_bad_input_gets_words(
    upstream: Upstream, person: Person, field: str, value: str, code: str
) -> None:
    request = replace(person.request(upstream, upstream.commit(FIRST)), **{field: value})
    with pytest.raises(SyncError) as error:
        sync(request)
    assert error.value.code == code
    assert not person.project.exists()


def test_bundle_without_the_commit(upstream: Upstream, started: Person) -> None:
    request = started.request(upstream, upstream.commit({b"a": b"b"}))
    with pytest.raises(SyncError):
        sync(replace(request, commit="1" * 40))
    assert started.tree() == FIRST


def test_program_and_its_answer(upstream: Upstream, person: Person) -> None:
    commit = upstream.commit(FIRST)
    run = subprocess.run(
        command(person.request(upstream, commit)), capture_output=True, check=True, cwd="/"
    )
    answer = read_answer(run.stdout)
    assert (answer.state, answer.counts) == ("created", {"added": len(FIRST)})
    assert person.tree() == FIRST
    person.delete(b"")
    person.project.touch()
    bad = person.request(upstream, commit, branch="-x")
    run = subprocess.run(command(bad), capture_output=True, check=False, cwd="/")
    assert run.returncode == 1
    with pytest.raises(BinderError, match="not the name of a branch"):
        read_answer(run.stdout)


@pytest.mark.parametrize(
    ("output", "error"),
    [
        (b"", BinderError),
        (b"Killed", BinderError),
        (json.dumps({"error": "busy", "message": "m"}).encode(), Conflict),
    ],
)
def test_answers_that_are_none(output: bytes, error: type[BinderError]) -> None:
    with pytest.raises(error):
        read_answer(output)


def test_words_are_safe_on_a_terminal(upstream: Upstream, person: Person) -> None:
    name = b"\x1b[31m\xff\nname"
    person.sync(upstream, upstream.commit({name: b"1"}))
    text = to_text(person.sync(upstream, upstream.commit({name: b"2"})))
    assert "\x1b" not in text
    assert r"\x1b[31m\xff\nname: updated" in text
