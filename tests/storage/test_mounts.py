"""What a server sees of its person's files, as a table."""

from pathlib import Path

import pytest

from binderhub_ext.core.launch import Access, Files, Launch
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.storage.mounts import PRIVATE, mounts_for

LAYOUT = DataDirectory(Path("/data"))
COMMIT = Commit(Repo("gh", "o/n", "https://github.com/o/n"), "HEAD", "0" * 40)
PROJECT = "projects/o/n"
HOME = str(LAYOUT.home("ann").relative_to(LAYOUT.homes))
STATE = str(LAYOUT.state("ann", PROJECT).relative_to(LAYOUT.states))
BARE_STATE = str(LAYOUT.state("ann", "").relative_to(LAYOUT.states))


def private(state: str) -> list[tuple[str, str, str]]:
    return [("states", f"{state}/{name}", name) for name in PRIVATE]


@pytest.mark.parametrize(
    ("files", "project", "expected"),
    [
        (Files.HOME, PROJECT, [("homes", HOME, "."), *private(STATE)]),
        (Files.HOME, "", [("homes", HOME, "."), *private(BARE_STATE)]),
        (
            Files.PROJECT,
            PROJECT,
            [
                ("states", f"{STATE}/home", "."),
                *private(STATE),
                ("homes", f"{HOME}/{PROJECT}", PROJECT),
            ],
        ),
        (Files.PROJECT, "", [("states", f"{BARE_STATE}/home", "."), *private(BARE_STATE)]),
        (Files.NONE, PROJECT, []),
    ],
)
def test_table(files: Files, project: str, expected: list[tuple[str, str, str]]) -> None:
    launch = Launch("ann", "s", COMMIT if project else None, project, "image", files)
    mounts = mounts_for(launch, LAYOUT)
    assert [(m.root.name, str(m.path), str(m.target)) for m in mounts] == expected
    assert all(m.access is Access.RW and m.root.parent == LAYOUT.root for m in mounts)


def test_a_person_with_a_hostile_name_stays_in_place() -> None:
    launch = Launch("../bob", "s", COMMIT, PROJECT, "image")
    for mount in mounts_for(launch, LAYOUT):
        assert ".." not in mount.path.parts
