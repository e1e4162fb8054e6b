"""What `doctor` says of sandboxes: tried for real, and in words where they do not work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from binderhub_ext.engines.base import Check
from binderhub_ext.engines.local import probe, seccomp
from binderhub_ext.engines.local.network import Network, online

needs_bwrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")


async def checks(network: Network = Network.PRIVATE) -> dict[str, Check]:
    return {check.name: check for check in await probe.checks(network)}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on the path."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path


def put(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@needs_bwrap
async def test_a_machine_that_is_well() -> None:
    found = await checks()
    assert found["sandbox"].ok, found
    assert found["system call filter"].ok, found
    if shutil.which("pasta") and online():
        assert found["private network"] == Check("private network", True, "works, with pasta")


@needs_bwrap
async def test_a_kernel_that_forbids_namespaces(path: Path) -> None:
    told = "bwrap: No permissions to create new namespace"
    put(
        path,
        "bwrap",
        f'[ "$1" = --version ] && echo bubblewrap 0.8.0 || {{ echo {told}; exit 1; }}',
    )
    found = await checks()
    assert not found["sandbox"].ok
    assert "No permissions" in found["sandbox"].message
    assert found["sandbox"].fix
    assert list(found) == ["sandbox"]


@needs_bwrap
async def test_an_old_bubblewrap(path: Path) -> None:
    put(path, "bwrap", "echo bubblewrap 0.6.1")
    found = (await checks())["sandbox"]
    assert not found.ok
    assert "0.6.1" in found.message


async def test_no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = await checks()
    assert found["sandbox"].fix == "apt-get install -y bubblewrap"


@needs_bwrap
async def test_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(count_memory: bool = False) -> bytes:
        raise seccomp.NoSeccomp("libseccomp is not here")

    monkeypatch.setattr(seccomp, "programs", missing)
    found = (await checks(Network.NONE))["system call filter"]
    assert not found.ok
    assert not found.required
    assert "libseccomp2" in found.fix


@needs_bwrap
@pytest.mark.skipif(not online(), reason="this machine has no network")
async def test_a_pasta_that_does_not_work(path: Path) -> None:
    put(path, "pasta", "exit 1")
    found = (await checks())["private network"]
    assert not found.ok
    assert found.required
    assert "isolated" in found.fix


@pytest.mark.parametrize(
    ("switch", "value", "fix"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "userns=0"),
        ("kernel/apparmor_restrict_unprivileged_userns", "0", ""),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("kernel/unprivileged_userns_clone", "1", ""),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=65536"),
        ("user/max_user_namespaces", "100", ""),
    ],
)
def test_the_switch_that_is_off(tmp_path: Path, switch: str, value: str, fix: str) -> None:
    file = tmp_path / "proc/sys" / switch
    file.parent.mkdir(parents=True)
    file.write_text(f"{value}\n")
    found = probe.user_namespaces_fix(tmp_path)
    assert fix in found
    assert bool(fix) == bool(found)
