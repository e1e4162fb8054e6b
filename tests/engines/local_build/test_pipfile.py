"""Pipfiles as requirement lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.local.pipfile import from_lock, from_pipfile, line

PYPI = [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}]


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("numpy", "*", "numpy"),
        ("numpy", "==1.2", "numpy==1.2"),
        ("x", {"version": "==1", "extras": ["a", "b"]}, "x[a,b]==1"),
        ("x", {"version": "*", "hashes": ["sha256:0"]}, "x --hash=sha256:0"),
        ("x", {"version": "==1", "markers": "os_name == 'nt'"}, "x==1 ; (os_name == 'nt')"),
        ("x", {"version": "*", "sys_platform": "== 'win32'"}, "x ; (sys_platform == 'win32')"),
        ("x", {"git": "https://example.org/x", "ref": "v1"}, "x @ git+https://example.org/x@v1"),
        ("x", {"path": ".", "editable": True}, "-e ."),
        ("x", {"path": "./sub"}, "./sub"),
        ("x", {"file": "https://example.org/x.zip"}, "https://example.org/x.zip"),
    ],
)
def test_line(name: str, entry: str | dict[str, Any], expected: str) -> None:
    assert line(name, entry) == expected


def test_lock_takes_both_groups_and_other_indexes() -> None:
    other = [*PYPI, {"name": "other", "url": "https://example.org/simple"}]
    lock = {
        "_meta": {"sources": other},
        "default": {"b": {"version": "==2"}},
        "develop": {"a": {"version": "==1"}, "b": {"version": "==1"}},
    }
    assert from_lock(json.dumps(lock).encode()) == [
        "--extra-index-url https://example.org/simple",
        "a==1",
        "b==2",
    ]


def test_pipfile_takes_both_groups() -> None:
    content = b'[packages]\nb = "*"\n[dev-packages]\na = ">=1"\n[requires]\npython_version="3.11"'
    assert from_pipfile(content) == ["a>=1", "b"]


@pytest.mark.parametrize("content", [b"[", b"[]", b'{"default": []}', b'{"default": {"x": 1}}'])
def test_nonsense(content: bytes) -> None:
    with pytest.raises(BuildFailed):
        from_lock(content)
