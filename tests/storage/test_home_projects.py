"""Projects in a home: what is one, and the way to the trash and back with what belongs to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from binderhub_ext.core.errors import Conflict, NotFound
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.projects import is_project_folder
from binderhub_ext.storage.homes import ensure_home, ensure_state
from binderhub_ext.storage.projects import delete_project, list_projects, restore_project
from binderhub_ext.storage.space import Limits, is_full, no_room
from binderhub_ext.storage.trash import doom, empty_trash, list_trash
from binderhub_ext.storage.usage import home_places, usage

GITHUB, OTHER = "projects/octo/tides", "projects/git.example.org/a+b/c=20d"
NOW = 1_700_000_000.0


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    layout = DataDirectory(tmp_path / "data")
    home = ensure_home(layout, "ann")
    for project in (GITHUB, OTHER):
        (home / project).mkdir(parents=True)
        (home / project / "file").write_text(project)
        state = ensure_state(layout, "ann", project)
        (state / ".local/installed").write_text(project)
    return layout


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        (GITHUB, True),
        (OTHER, True),
        ("projects/_zenodo/-/10.5281", True),
        ("projects/localhost.+8080/-/x", True),
        ("projects/octo", False),
        ("projects/octo/tides/sub", False),
        ("projects/git.example.org/x", False),
        ("projects/octo/..", False),
        ("projects/../octo/tides", False),
        ("projects/octo/.git", False),
        ("projects/octo/tides\n", False),
        ("projects/meer/\u00dcbung-\u6570\u636e", True),
        ("projects/octo/\udcff", False),
        ("projects/octo/" + "x" * 101, False),
        ("/projects/octo/tides", False),
        ("projects//tides", False),
        ("", False),
    ],
)
def test_what_is_a_project(path: str, is_one: bool) -> None:
    assert is_project_folder(path) is is_one


def test_only_folders_of_that_form_are_listed(layout: DataDirectory) -> None:
    projects = layout.home("ann") / "projects"
    (projects / "octo/notes.txt").write_text("x")
    (projects / "octo/link").symlink_to(layout.root)
    (projects / "my own/folder").mkdir(parents=True)
    (projects / "linked").symlink_to(projects / "octo")
    (Path(str(projects)) / b"octo/\xff".decode(errors="surrogateescape")).mkdir()
    assert list_projects(layout, "ann") == [OTHER, GITHUB]
    assert list_projects(layout, "bob") == []
    for path in ("projects/octo/link", "projects/octo/notes.txt", "projects/linked/tides", ".."):
        with pytest.raises(NotFound):
            delete_project(layout, "ann", path, NOW)


def test_its_state_goes_and_comes_with_it(layout: DataDirectory) -> None:
    state = layout.state("ann", GITHUB)
    thing = delete_project(layout, "ann", GITHUB, NOW)
    assert not state.exists() and layout.state("ann", OTHER).exists()
    with pytest.raises(NotFound):
        restore_project(layout, "bob", thing.id)
    assert restore_project(layout, "ann", thing.id) == GITHUB
    assert (state / ".local/installed").read_text() == GITHUB
    assert list_trash(layout) == []


def test_a_state_made_meanwhile_stays_the_one_in_use(layout: DataDirectory) -> None:
    thing = delete_project(layout, "ann", GITHUB, NOW)
    ensure_state(layout, "ann", GITHUB)
    restore_project(layout, "ann", thing.id)
    assert not (layout.state("ann", GITHUB) / ".local/installed").exists()
    assert (layout.home("ann") / GITHUB / "file").exists()
    with pytest.raises(NotFound):
        restore_project(layout, "ann", thing.id)


def test_launched_again_meanwhile(layout: DataDirectory) -> None:
    thing = delete_project(layout, "ann", GITHUB, NOW)
    (layout.home("ann") / GITHUB).mkdir()
    with pytest.raises(Conflict):
        restore_project(layout, "ann", thing.id)
    assert len(list_trash(layout)) == 2


def test_for_good(layout: DataDirectory) -> None:
    thing = delete_project(layout, "ann", GITHUB, NOW)
    closed = layout.trash / thing.id / "content/closed"
    closed.mkdir()
    (closed / "file").write_text("x")
    closed.chmod(0o500)
    with pytest.raises(NotFound):
        doom(layout, thing.id, "bob")
    doom(layout, thing.id, "ann")
    assert list_trash(layout) == []
    empty_trash(layout, NOW)
    assert list(layout.trash.iterdir()) == []


def test_room_by_what_was_measured(layout: DataDirectory) -> None:
    limits = Limits(home=64 << 10)
    (layout.home("ann") / "big").write_bytes(b"x" * (80 << 10))
    assert no_room(layout, "ann", limits) == ""
    for place in home_places(layout, "ann"):
        usage(layout, *place, now=time.time(), max_age=60)
    assert "So nothing new is put into them" in no_room(layout, "ann", limits)
    assert no_room(layout, "bob", limits) == no_room(layout, "ann", Limits()) == ""
    delete_project(layout, "ann", GITHUB, NOW)
    assert no_room(layout, "ann", limits) == ""
    assert is_full(layout, 1 << 60) and not is_full(layout, 1)


def test_where_a_folder_of_the_machine_appears_is_no_project(layout: DataDirectory) -> None:
    place = "projects/folder.invalid/0123456789abcdef/mine"
    (layout.home("ann") / place).mkdir(parents=True)
    assert list_projects(layout, "ann") == sorted((GITHUB, OTHER))
    with pytest.raises(NotFound, match="nothing here zips, moves or deletes it"):
        delete_project(layout, "ann", place, NOW)
    assert (layout.home("ann") / place).is_dir()
