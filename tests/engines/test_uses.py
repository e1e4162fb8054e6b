"""What servers use, as the engines' own figures say it; no daemon or cluster is asked."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from binderhub_ext.core.using import UNKNOWN, Use
from binderhub_ext.engines.docker.uses import use_in
from binderhub_ext.engines.kubernetes.labels import RUN
from binderhub_ext.engines.kubernetes.metrics import quantity, uses_in

MIB = 1 << 20
WORKED = {"cpu_usage": {"total_usage": 2_500_000_000}}


@pytest.mark.parametrize(
    ("facts", "use"),
    [
        # control groups of version 2, and 1
        (
            {
                "memory_stats": {"usage": 90 * MIB, "stats": {"inactive_file": 40 * MIB}},
                "cpu_stats": WORKED,
            },
            Use(50 * MIB, 2.5),
        ),
        (
            {
                "memory_stats": {
                    "usage": 90 * MIB,
                    "stats": {"cache": 60 * MIB, "total_inactive_file": 30 * MIB},
                },
                "cpu_stats": WORKED,
            },
            Use(60 * MIB, 2.5),
        ),
        ({"memory_stats": {"usage": MIB, "stats": {"inactive_file": 2 * MIB}}}, Use(0)),
        # one that has ended
        ({"memory_stats": {}, "cpu_stats": {"cpu_usage": {"total_usage": 0}}}, UNKNOWN),
        ({"message": "page not found"}, UNKNOWN),
        ({"memory_stats": None, "cpu_stats": None}, UNKNOWN),
    ],
)
def test_of_a_container(facts: dict[str, Any], use: Use) -> None:
    assert use_in(facts) == use


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("12345678n", Decimal("0.012345678")),
        ("250u", Decimal("0.00025")),
        ("5m", Decimal("0.005")),
        ("1.5", Decimal("1.5")),
        ("64Mi", 64 << 20),
        ("1024Ki", 1 << 20),
        ("2G", 2 * 10**9),
        ("1e3", 0),
        ("-1", 0),
        ("9" * 1000, 0),
        ("", 0),
    ],
)
def test_numbers_of_a_cluster(text: str, number: Decimal) -> None:
    assert quantity(text) == number


def test_of_pods() -> None:
    pods = [
        {
            "metadata": {"name": "jupyter-ana", "labels": {RUN: "a1"}},
            "window": "15s",
            "containers": [
                {"name": "notebook", "usage": {"cpu": "250m", "memory": "100Mi"}},
                {"name": "beside", "usage": {"cpu": "0", "memory": "1Mi"}},
            ],
        },
        {"metadata": {"labels": {RUN: "b2"}}, "containers": []},
        {"metadata": {"name": "somebody-elses"}, "containers": []},
    ]
    uses = uses_in(pods)
    assert uses == {"a1": Use(101 * MIB, None, 0.25), "b2": Use(None, None, 0.0)}
