"""Folders of the machine: what names one, what may be one, what their environment depends on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from binderhub_ext.core.catalogue import is_listed
from binderhub_ext.core.changes import changes
from binderhub_ext.core.errors import BadLink, NotAllowed
from binderhub_ext.core.foldercode import needed
from binderhub_ext.core.folders import (
    FOLDER,
    check_place,
    is_of_a_folder,
    repo_of,
    title_of,
)
from binderhub_ext.core.launch import Content, Files, Launch, LaunchRequest, VolumeRequest
from binderhub_ext.core.links import write_link
from binderhub_ext.core.paste import understand
from binderhub_ext.core.policy import Policy, admit, judge
from binderhub_ext.core.projects import is_project_folder, project_folder
from binderhub_ext.core.repo import Commit
from binderhub_ext.core.shipped import SHIPPED

ID = "0123456789abcdef"
REPO = repo_of(ID, PurePosixPath("/home/anna/My project"))


def test_a_link_names_an_offer_and_no_place() -> None:
    link = write_link(LaunchRequest(REPO))
    assert link == f"v2/folder/{ID}/My-project"
    assert understand(link).request.repo == REPO and REPO.live
    assert "anna" not in repr(REPO)


@pytest.mark.parametrize(
    "spec",
    ["", ID, f"{ID}/", f"{ID}/..", f"{ID}/a/b", "/etc", "~/x", f"{ID.upper()}/x", f"{ID}%2F.ssh"],
)
def test_what_names_no_offer(spec: str) -> None:
    with pytest.raises(BadLink):
        FOLDER.parse(spec)


@pytest.mark.parametrize("text", ["./my-project", "../x", "~/work/x", "/home/anna/x", "/x"])
def test_a_pasted_place_is_told_the_way(text: str) -> None:
    with pytest.raises(BadLink, match="binder-at-home launch"):
        understand(text)


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/a/my-project", "my-project"),
        ("/a/My Project (2)", "My-Project-2"),
        ("/a/.hidden", "hidden"),
        ("/a/数据", "folder"),
        ("/a/" + "x" * 200, "x" * 60),
        ("/a/" + "x" * 59 + "--y", "x" * 59),
    ],
)
def test_what_links_call_it(path: str, title: str) -> None:
    assert title_of(PurePosixPath(path)) == title
    assert repo_of(ID, PurePosixPath(path)).title == title


def test_where_it_appears_is_no_project() -> None:
    folder = project_folder(REPO)
    assert is_project_folder(folder) and is_of_a_folder(folder)
    assert not is_of_a_folder(project_folder(SHIPPED.repo("scratch")))


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/home", "/home/anna", "/mnt/home/anna", "/home/anna/.ssh", "/home/anna/.config/x"),
        *("/data", "/data/binder", "/data/binder/homes", "/tmp", "/proc/self", "/run/user/7/x"),
        "/home/anna/a\nb",
    ],
)
def test_places_that_are_refused(path: str) -> None:
    homes = [PurePosixPath("/home/anna"), PurePosixPath("/mnt/home/anna")]
    with pytest.raises(NotAllowed):
        check_place(PurePosixPath(path), homes, PurePosixPath("/data/binder"))


@pytest.mark.parametrize("path", ["/opt/ours", "/opt", "/opt/ours/docs", "/home/anna/b/.venv"])
def test_where_the_hubs_own_programs_are(path: str) -> None:
    programs = [PurePosixPath("/opt/ours"), PurePosixPath("/home/anna/b/.venv")]
    homes, data = [PurePosixPath("/home/anna")], PurePosixPath("/data/binder")
    with pytest.raises(NotAllowed, match="programs of Binder@home"):
        check_place(PurePosixPath(path), homes, data, programs)
    check_place(PurePosixPath("/home/anna/x"), homes, data, programs)


@pytest.mark.parametrize("path", ["/home/anna/x", "/data/x", "/run/media/anna/USB/x", "/srv/x"])
def test_places_that_may_be_offered(path: str) -> None:
    check_place(PurePosixPath(path), [PurePosixPath("/home/anna")], PurePosixPath("/data/binder"))


def test_what_is_judged() -> None:
    request = LaunchRequest(REPO)
    judge(Policy(folders=True), request)
    judge(Policy(folders=True), replace(request, files=Files.HOME))
    with pytest.raises(NotAllowed, match="opens no folders"):
        judge(Policy(), request)
    with pytest.raises(NotAllowed, match="opens no folders"):
        judge(Policy(), LaunchRequest(SHIPPED.repo("scratch"), content=(Content(REPO),)))
    for fields in ({"files": Files.NONE}, {"content": (Content(SHIPPED.repo("scratch")),)}):
        with pytest.raises(BadLink, match="folder of this machine"):
            judge(Policy(folders=True), replace(request, **fields))


def test_no_volume_is_in_it() -> None:
    commit, folder = Commit(REPO, "HEAD", "1"), project_folder(REPO)
    for mount in ("", "shared/x", "projects/o/n"):
        request = LaunchRequest(REPO, volumes=(VolumeRequest("v", mount),))
        assert admit(Policy(folders=True), request, commit, user="anna").volumes
    for mount in (folder, f"{folder}/x/y"):
        request = LaunchRequest(REPO, volumes=(VolumeRequest("v", mount),))
        with pytest.raises(BadLink, match="cannot be in a folder of this machine"):
            admit(Policy(folders=True), request, commit, user="anna")


def test_it_is_told_to_nobody() -> None:
    assert not is_listed(REPO) and REPO.page == ""


def test_a_launch_brings_nothing_into_it() -> None:
    launch = Launch("anna", "x", Commit(REPO, "HEAD", "1"), project_folder(REPO), "image")
    assert launch.live and launch.projects == ()
    other = replace(launch, commit=Commit(SHIPPED.repo("scratch"), "HEAD", "1"))
    assert not other.live and len(other.projects) == 1


def test_only_another_environment_is_worth_a_restart() -> None:
    old = Launch("anna", "x", Commit(REPO, "HEAD", "1"), project_folder(REPO), "image")
    new = replace(old, commit=Commit(REPO, "HEAD", "2"))
    assert changes(old, new) == ()
    assert changes(old, replace(new, image="other")) == ("It would run in another environment.",)


@pytest.mark.parametrize(
    ("binder_dir", "files", "also", "code"),
    [
        ("", {}, (), False),
        ("", {"requirements.txt": "six", "setup.cfg": ""}, (), False),
        ("", {"requirements.txt": "-r more.txt", "more.txt": "-c limits.txt"}, ("more.txt",), True),
        ("", {"requirements.txt": "-r more.txt", "more.txt": "six"}, ("more.txt",), False),
        ("", {"requirements.txt": "."}, (), True),
        ("", {"setup.py": ""}, (), True),
        ("binder", {"setup.py": "", "binder/requirements.txt": "six"}, (), False),
        ("binder", {"binder/requirements.txt": "-e .."}, (), True),
        ("", {"pyproject.toml": "[project]\nname = 'x'"}, (), False),
        ("", {"pyproject.toml": "[project]\nname = 'x'\n[build-system]"}, (), True),
        ("", {"pyproject.toml": "nonsense"}, (), False),
        ("", {"environment.yml": "dependencies:\n  - numpy", "setup.py": ""}, (), False),
        ("", {"environment.yml": "dependencies:\n  - pip:\n    - -e ."}, (), True),
        (".binder", {".binder/postBuild": "", ".binder/apt.txt": "x"}, (), True),
        ("", {"install.R": ""}, (), True),
        ("", {"Dockerfile": "FROM x"}, (), False),
    ],
)
def test_what_an_environment_depends_on(
    binder_dir: str, files: dict[str, str], also: tuple[str, ...], code: bool
) -> None:
    def read(path: str) -> bytes | None:
        content = files.get(path)
        return None if content is None else content.encode()

    found = needed(read, binder_dir)
    known = {path for path in files if path not in ("setup.cfg", "more.txt")}
    assert (set(found.files), found.code) == (known | set(also), code)
