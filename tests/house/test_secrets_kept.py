"""Secrets are made once, only for us, and never believed when others could read them."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.secrets import ensure_secret


def test_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "ticket"
    secret = ensure_secret(path)
    assert len(secret) >= 43
    assert ensure_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["ticket"]


def test_everybody_who_makes_it_at_once_gets_the_same(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "ticket"
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: ensure_secret(path), range(64)))) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "ticket"
    ensure_secret(path)
    path.chmod(mode)
    with pytest.raises(CannotStart, match="chmod 600"):
        ensure_secret(path)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ticket"
    path.touch(0o600)
    with pytest.raises(CannotStart, match="empty"):
        ensure_secret(path)
