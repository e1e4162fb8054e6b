"""What a ref was found to stand for, as people read it."""

from __future__ import annotations

import pytest

from binderhub_ext.core.provider import Provider
from binderhub_ext.core.providers import PROVIDERS
from binderhub_ext.core.repo import Commit
from binderhub_ext.core.versions import short_id


@pytest.mark.parametrize(
    ("id", "short"),
    [
        ("0123456789abcdef0123456789abcdef01234567", "0123456"),
        ("a" * 64, "aaaaaaa"),
        (f"{'0a' * 20}-etag", "0a0a0a0"),
        ("0123456789abcdef", "0123456"),
        # Zenodo's records are numbers, and have eight digits by now
        ("10396578", "10396578"),
        ("9782777.v3", "v3"),
        ("3441.v1.2", "v1.2"),
        ("ezcuj.v1700000000", "v1700000000"),
        ("8f7c2f0341ef4180b0dbe97f59130756.v1700000001", "v1700000001"),
        ("b1c7-data.v1700000002", "v1700000002"),
        ("", ""),
        ("of-another-provider", "of-another-provider"),
    ],
)
def test_how_a_version_is_told_in_short(id: str, short: str) -> None:
    assert short_id(id) == short


@pytest.mark.parametrize(
    ("provider", "name", "id", "said"),
    [
        ("gh", "a/b", "c" * 40, f"main is commit {'c' * 40}."),
        ("osf", "ezcuj", "ezcuj.v1700000000", "ezcuj is at version v1700000000."),
        ("zenodo", "10.5281/zenodo.3", "3", "10.5281/zenodo.3 is at version 3."),
    ],
)
def test_a_launch_says_it_as_its_provider_has_it(
    provider: str, name: str, id: str, said: str
) -> None:
    one: Provider = PROVIDERS[provider]
    assert one.resolved(Commit(one.repo(name), "main", id)) == said
