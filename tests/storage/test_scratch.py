"""Folders for work: gone afterwards, and taken away by the next process if we are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from binderhub_ext.storage.scratch import scratch_folder, sweep

_WORK = """
import os, pathlib, signal, sys
from binderhub_ext.storage.scratch import scratch_folder
with scratch_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "half").write_text("done")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_gone_afterwards_also_after_a_failure(tmp_path: Path) -> None:
    below = tmp_path / "not" / "there"
    with pytest.raises(RuntimeError), scratch_folder(below) as folder:
        (folder / "a").write_text("a")
        raise RuntimeError
    assert list(below.iterdir()) == []


def test_only_what_nobody_works_in_is_swept(tmp_path: Path) -> None:
    assert sweep(tmp_path / "missing") == []
    (tmp_path / "theirs").mkdir()
    (tmp_path / ".scratch-link").symlink_to(tmp_path / "theirs")
    killed = subprocess.run([sys.executable, "-c", _WORK, str(tmp_path)])
    assert killed.returncode == -signal.SIGKILL
    (left,) = [path for path in tmp_path.glob(".scratch-*") if not path.is_symlink()]
    assert (left / "half").read_text() == "done"
    with scratch_folder(tmp_path) as folder:
        assert sweep(tmp_path) == [left.name]
        assert folder.is_dir() and not left.exists()
    assert sweep(tmp_path) == []
    assert (tmp_path / "theirs").is_dir()
