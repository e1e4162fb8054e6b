"""A builder beneath a temporary data directory, and repositories for it.

`repository`: makes a `Source` from a dictionary of files.
`data`: one data directory for a session's builds.
`builder`: a `LocalBuilder` on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from datadirs import temporary_data
from readymade import give_environment
from small_repositories import MakeSource, make_source

from binderhub_ext.engines.local.build import LocalBuilder


@pytest.fixture
def repository(tmp_path: Path) -> MakeSource:
    numbers = count()
    return lambda files: make_source(tmp_path / f"repo{next(numbers)}", files)


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """One data directory for all builds, so that packages are downloaded and compiled once."""
    with temporary_data() as folder:
        give_environment(folder)
        yield folder


@pytest.fixture
def builder(data: Path) -> LocalBuilder:
    return LocalBuilder(data_dir=str(data), build_timeout=600)
