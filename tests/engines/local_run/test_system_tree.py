"""How a tree takes the place of the machine's system, and what keeps it from being made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from patience import SOON

from binderhub_ext.engines.local import mapping
from binderhub_ext.engines.local.machineapt import MachineApt
from binderhub_ext.engines.local.sandbox import FIRST
from binderhub_ext.engines.local.sealing import share
from binderhub_ext.engines.local.systemtree import tree_binds
from binderhub_ext.storage.trees import remove_tree


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


@pytest.mark.parametrize("folder", ["etc", "var", "var/lib", "opt"])
def test_no_link_leads_what_is_mounted_out_of_the_sandbox(
    tree: Path, tmp_path: Path, folder: str
) -> None:
    """Bubblewrap, as root, would make what it mounts on where the link leads on this machine."""
    outside = tmp_path / "outside"
    outside.mkdir()
    if (tree / folder).exists():
        (tree / folder).rename(tree / "moved")
    (tree / folder).symlink_to(f"/oldroot{outside}")
    own = ["/etc/passwd", "/var/lib/binder/environments/a", "/var/tmp", "/opt"]
    words = tree_binds(tree, own, tmp_path / "none")
    assert f"/oldroot{outside}" not in words
    if shutil.which("bwrap"):
        made = [
            "--dir",
            "/etc",
            "--dir",
            "/etc/made",
            "--dir",
            "/var/lib/binder/a",
            "--dir",
            "/opt/a",
        ]
        subprocess.run(["bwrap", *words, *made, "true"], check=False, capture_output=True)
        assert not [*outside.iterdir()]


def test_a_file_in_place_of_a_folder_is_not_shown(tree: Path, tmp_path: Path) -> None:
    (tree / "var").rename(tree / "moved")
    (tree / "var").touch()
    assert "/var" in tree_binds(tree, ["/var/tmp"], tmp_path / "none")


def test_the_machines_own_settings_count(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "etc/ssl").mkdir(parents=True)
    words = tree_binds(tree, [], tmp_path)
    assert words[-3:] == ["--ro-bind", str(tmp_path / "etc/ssl"), "/etc/ssl"]
    assert f"--ro-bind {tree}/etc/fonts /etc/fonts" in " ".join(words)


def test_the_machines_authorities_leave_javas_in_place(tree: Path, tmp_path: Path) -> None:
    certificates, local = tmp_path / "etc/ssl/certs", "usr/local/share/ca-certificates"
    for folder in (certificates, tmp_path / local, tree / local, tree / "etc/ssl/certs/java"):
        folder.mkdir(parents=True)
    (certificates / "all.crt").touch()
    (certificates / "own.pem").symlink_to(f"/{local}/own.crt")
    words = " ".join(tree_binds(tree, [], tmp_path))
    assert f"--ro-bind {certificates}/all.crt /etc/ssl/certs/all.crt" in words
    assert f"--symlink /{local}/own.crt /etc/ssl/certs/own.pem" in words
    assert f"--ro-bind {tree}/etc/ssl/certs/java /etc/ssl/certs/java --remount-ro /etc/ssl" in words
    assert f"--ro-bind {tmp_path}/{local} /{local}" in words


def test_what_is_shared_is_never_reached_by_a_link_of_the_base(tmp_path: Path) -> None:
    """A base has links to places of this machine, such as that of OpenSSL's keys."""
    keys, base, tree = (tmp_path / name for name in ("keys", "base", "tree"))
    for folder in (keys, base / "usr", tree / "usr/private"):
        folder.mkdir(parents=True)
    (base / "usr/private").symlink_to(keys)
    for file, text in ((keys / "key", "of the host"), (tree / "usr/private/key", "of the tree")):
        file.write_text(text)
        file.chmod(0o444)
        os.utime(file, (1, 1))
    share(tree, base)
    assert (tree / "usr/private/key").read_text() == "of the tree"


def test_a_tree_deeper_than_any_path_is_shared_as_others_are(tmp_path: Path) -> None:
    base, tree, name = tmp_path / "base", tmp_path / "tree", "a" * 200
    base.mkdir()
    tree.mkdir()
    here = os.open(tree, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    share(tree, base)
    assert remove_tree(tree)


def test_where_there_are_no_namespaces_nothing_is_left_waiting(tmp_path: Path) -> None:
    """`doctor` reads what it says to the end, so nothing may hold that open."""
    argv = [sys.executable, "-I", "-S", str(FIRST / "mapped.py"), str(tmp_path)]
    script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@" "0 0 1" "0 0 1" true'
    inside = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh", *argv]
    told = subprocess.run(inside, capture_output=True, text=True, timeout=SOON, check=False)
    if "unshare: No space left on device" not in told.stderr:
        pytest.skip(f"no user namespace to try it in: {told.stderr}")
    assert told.returncode


def test_sources_that_cannot_be_read_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("apt-get", "mmdebstrap"):
        (tmp_path / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "sources.list.d").mkdir()
    private = tmp_path / "sources.list.d/private.sources"
    private.write_text("Types: deb\n")
    readable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != private and readable(path, mode))
    obstacle = MachineApt(tmp_path).obstacle()
    assert obstacle and str(private) in obstacle.fix


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


@pytest.mark.parametrize(
    ("fields", "release"),
    [
        ("VERSION_CODENAME=bookworm\n", "bookworm"),
        ("VERSION_CODENAME=wilma\nUBUNTU_CODENAME=noble\n", "noble"),
        ('VERSION_CODENAME=faye\nDEBIAN_CODENAME="bookworm"\n', "bookworm"),
        ("ID=arch\n", ""),
    ],
)
def test_the_release_is_that_of_the_packages(fields: str, release: str, tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text(fields)
    assert MachineApt(os_release=tmp_path / "os-release").release == release
