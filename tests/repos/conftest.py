"""Fixtures of this room: a provider that may reach the tests' own servers on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakesite import FakeSite
from patience import SOON

from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy


@pytest.fixture
def policy() -> AddressPolicy:
    return AddressPolicy(allowed_networks=["127.0.0.0/8"])


@pytest.fixture
def provider(tmp_path: Path, policy: AddressPolicy) -> GitProvider:
    return GitProvider(data_dir=str(tmp_path / "data"), policy=policy, resolve_timeout=SOON)


@pytest.fixture
def site() -> Iterator[FakeSite]:
    with FakeSite().serving() as site:
        yield site
