"""Root puts a project into a home as the home's owner, who may not walk through what is ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from upstream import Person, Upstream

from binderhub_ext.core.errors import RepoUnavailable
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.updates import State
from binderhub_ext.engines.docker import seeding
from binderhub_ext.engines.rundir import Owner
from binderhub_ext.storage.doors import close_doors
from binderhub_ext.storage.sync.call import read_answer

ANA = Owner(200_001, 200_001)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work as somebody else")
async def test_in_a_data_directory_that_is_closed(tmp_path: Path) -> None:
    layout = DataDirectory(tmp_path / "data")
    close_doors(layout)
    person = Person(layout.home("ana"))
    for path in (person.home, *person.home.rglob("*")):
        os.chown(path, ANA.uid, ANA.gid)
    person.home.chmod(0o700)
    upstream = Upstream(tmp_path / "up.git")
    for content in (b"1", b"2"):
        commit = upstream.commit({b"a": content, b"d/x": content})
        bundle = upstream.bundle(commit).rename(layout.repos / f"{commit}.bundle")
        bundle.chmod(0o644)
        report = read_answer(await seeding.run(person.request_of(str(bundle), commit), ANA))
        assert report.state is not State.UNTOUCHED
        assert person.tree() == {b"a": content, b"d/x": content}
    assert {path.lstat().st_uid for path in person.home.rglob("*")} == {ANA.uid}
    with pytest.raises(RepoUnavailable):
        gone = person.request_of(str(layout.repos / "gone.bundle"), upstream.commit({b"a": b"3"}))
        read_answer(await seeding.run(gone, ANA))
