"""Which Julia a project asks for."""

from __future__ import annotations

import pytest

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.julialang import compat, limits


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (b'[compat]\njulia = " 1.10 "\n', "1.10"),
        (b'name = "Tides"\n[deps]\n', ""),
        (b"compat = 3\n", ""),
        (b"[compat]\njulia = 1.6\n", ""),
        (b"[compat", ""),
        (b"\xff\xfe[compat]", ""),
    ],
)
def test_what_a_project_says(content: bytes, asked: str) -> None:
    assert compat(content) == asked


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("", ">=1.6,<2"),
        ("1.10", ">=1.10,<2"),
        ("^1.9.3", ">=1.9.3,<2"),
        ("0.7", ">=0.7,<0.8"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("0", ">=0,<1"),
        ("~1", ">=1,<2"),
        ("~1.10.2", ">=1.10.2,<1.11"),
        ("~0.0.3", ">=0.0.3,<0.0.4"),
        ("=1.9.3", "==1.9.3"),
        ("= 1.9", "==1.9.0"),
        (">=1.7", ">=1.7.0"),
        ("≥ 1.7", ">=1.7.0"),
        ("<1.9", "<1.9.0"),
        ("1.6, 1.10", ">=1.6,<2|>=1.10,<2"),
        ("1.6 - 1.10", ">=1.6,<1.11"),
        ("1.6 - 1.10.2", ">=1.6,<=1.10.2"),
    ],
)
def test_versions_as_conda_is_asked_for_them(asked: str, taken: str) -> None:
    assert limits(asked) == taken


@pytest.mark.parametrize(
    "asked", ["newest", "1.6,", "1.6 1.7", "1.6[url=https://x]", "1-2", "*", "1.2.3.4", "9" * 200]
)
def test_what_is_no_version(asked: str) -> None:
    with pytest.raises(BuildFailed, match="no version of Julia"):
        limits(asked)
