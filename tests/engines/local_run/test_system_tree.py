"""How a tree takes the place of the machine's system, and what keeps it from being made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from binderhub_ext.engines.local import mapping
from binderhub_ext.engines.local.systemtree import tree_binds


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("usr/bin", "etc/fonts", "var/lib/dpkg", "var/log", "home", "dev"):
        (tmp_path / "tree" / name).mkdir(parents=True)
    (tmp_path / "tree/etc/passwd").touch()
    (tmp_path / "tree/bin").symlink_to("usr/bin")
    return tmp_path / "tree"


def test_folders_are_mounted_as_they_are(tree: Path, tmp_path: Path) -> None:
    words = " ".join(tree_binds(tree, ["/etc/passwd", "/srv/repo"], tmp_path / "none"))
    assert words == (
        f"--symlink usr/bin /bin --ro-bind {tree}/etc /etc --ro-bind {tree}/usr /usr "
        f"--ro-bind {tree}/var /var"
    )


def test_a_place_is_made_where_there_is_none(tree: Path, tmp_path: Path) -> None:
    words = " ".join(tree_binds(tree, ["/var/lib/binder/environments/a"], tmp_path / "none"))
    made = f"--dir /var --perms 0755 --dir /var/lib --ro-bind {tree}/var/lib/dpkg /var/lib/dpkg"
    assert made in words
    assert f"--ro-bind {tree}/var/log /var/log" in words


def test_no_link_in_a_tree_is_where_something_is_mounted(tree: Path, tmp_path: Path) -> None:
    (tree / "etc/passwd").unlink()
    (tree / "etc/passwd").symlink_to("/etc/shadow")
    words = tree_binds(tree, ["/etc/passwd"], tmp_path / "none")
    assert "/etc/passwd" not in words
    assert "/etc/fonts" in words


def test_the_machines_own_settings_count(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "etc/ssl").mkdir(parents=True)
    words = tree_binds(tree, [], tmp_path / "etc")
    assert words[-3:] == ["--ro-bind", str(tmp_path / "etc/ssl"), "/etc/ssl"]
    assert f"--ro-bind {tree}/etc/fonts /etc/fonts" in " ".join(words)


def test_an_ordinary_user_is_told_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    monkeypatch.setenv("PATH", str(tmp_path))
    obstacle = mapping.obstacle(tmp_path)
    assert obstacle and obstacle.fix == "apt-get install -y uidmap"
    for name in ("newuidmap", "newgidmap"):
        (tmp_path / name).touch(0o755)
    obstacle = mapping.obstacle(tmp_path)
    assert obstacle and "usermod --add-subuids 1900000000-1900065535" in obstacle.fix
    (tmp_path / "subuid").write_text("somebody:1:99999\n4242:1000:100\n")
    (tmp_path / "subgid").write_text("4242:100000:65536\n")
    assert mapping.obstacle(tmp_path) == obstacle
    (tmp_path / "subuid").write_text("4242:100000:65536\n")
    assert mapping.obstacle(tmp_path) is None
