"""Rolling limits in the form of jupyterhub-usage-quotas: who is under which, and the words."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from binderhub_ext.core.errors import QuotaExceeded
from binderhub_ext.core.spending import Resource
from binderhub_ext.core.usagequotas import Policies, Standing, longest, read_policies, read_policy
from binderhub_ext.service.accounting.settings import Ledger, UsageQuotas

A = {"resource": "memory", "limit": "50G", "window": 30, "scope": {"group": ["a", "b"]}}
B = {"resource": "memory", "limit": "40G", "window": 30, "scope": {"group": ["b"]}}
WEEK = {"resource": "memory", "limit": "9G", "window": 7, "scope": {"group": ["b"]}}
CPU = {"resource": "cpu", "limit": 100, "window": 30, "scope": {"group": ["b"]}}
EMPTY = {"resource": "memory", "limit": "10G", "window": 30}
GIB = 2**30


def limits(policies: Policies, user: str, *groups: str) -> dict[tuple[str, float], float]:
    return {(str(p.resource), p.window): p.limit for p in policies.of(user, groups)}


@pytest.mark.parametrize(("how", "gib"), [("min", 40), ("max", 50), ("sum", 90)])
def test_several_limits_of_one_resource_and_window_are_one(how: str, gib: int) -> None:
    policies = read_policies([A, B, WEEK, CPU], {"empty": EMPTY, "intersection": how})
    assert limits(policies, "ana", "b", "z") == {
        ("memory", 30): gib * GIB,
        ("memory", 7): 9 * GIB,
        ("cpu", 30): 100,
    }
    assert limits(policies, "ana", "a") == {("memory", 30): 50 * GIB}
    assert limits(policies, "ana", "z") == {("memory", 30): 10 * GIB}
    assert policies.of("ana", ["b"])[0].groups == ("a", "b")


def test_without_a_strategy_the_smallest_holds_and_nothing_for_others() -> None:
    policies = read_policies([A, B])
    assert limits(policies, "ana", "a", "b") == {("memory", 30): 40 * GIB}
    assert policies.of("ana", []) == []


def test_limits_of_storage_are_one_whatever_their_windows() -> None:
    small, large = (
        {"resource": "storage", "limit": limit, "window": days, "scope": {"group": ["b"]}}
        for days, limit in enumerate(("1G", "5G"), 1)
    )
    policies = read_policies([small, large], {"intersection": "max"})
    assert list(limits(policies, "ana", "b").values()) == [5 * GIB]


def test_a_limit_is_for_people_too_or_for_everybody() -> None:
    builds = {"resource": "build_minutes", "limit": 60, "window": 1}
    own = {"resource": "gpu", "limit": 5, "window": 7, "scope": {"user": ["ana"]}}
    policies = read_policies([builds, own])
    assert limits(policies, "ana") == {("build_minutes", 1): 60, ("gpu", 7): 5}
    assert limits(policies, "bo") == {("build_minutes", 1): 60}


@pytest.mark.parametrize(
    "changed",
    [
        {"resource": "disk"},
        {"limit": "5 GB"},
        {"limit": 0},
        {"limit": True},
        {"window": 0},
        {"window": "a week"},
        {"scope": {"role": ["a"]}},
        {"scope": {"group": "a"}},
        {"scpoe": {}},
    ],
)
def test_what_is_no_policy_is_refused_by_its_setting(changed: dict[str, object]) -> None:
    with pytest.raises(TraitError, match=r"UsageQuotas\.policy"):
        UsageQuotas(policy=[{**A, **changed}])


def test_a_strategy_is_read_too() -> None:
    for wrong in ({"intersection": "avg"}, {"empty": A}, {"else": 1}, {"empty": {"window": 1}}):
        with pytest.raises(TraitError, match="scope_fallback_strategy"):
            UsageQuotas(scope_fallback_strategy=wrong)
    assert UsageQuotas(scope_fallback_strategy={"empty": [EMPTY]}).policies().empty


def test_prices_are_numbers_of_what_has_a_price() -> None:
    for wrong in ({"memory": -1}, {"disk": 1}, {"cpu": "1"}):
        with pytest.raises(TraitError, match=r"Ledger\.prices"):
            Ledger(prices=wrong)


def test_a_refusal_says_what_was_used_and_when_there_is_room() -> None:
    one = Standing(read_policy(B), 41 * GIB, retry=1_800_000_000)
    error = one.refusal()
    assert isinstance(error, QuotaExceeded)
    assert error.message == (
        "You have used 41 of 40 GiB-hours of memory within 30 days. Nothing new starts for you"
        " until there is room; what runs goes on, and your files are not affected. There"
        " is room again at 08:00 UTC, 15 January 2027, if nothing of yours runs until then."
    )
    told = error.to_dict()
    assert (told["code"], told["status"]) == ("quota-exceeded", 429)
    assert told["fields"]["retry_time"] == "2027-01-15T08:00:00Z"
    fields = one.to_fields()
    assert (fields["used"], fields["limit"], fields["unit"]) == (41, 40, "G")
    assert (fields["readable_unit"], fields["window"]) == ("GiB-hours", 30)
    assert fields["scope"] == {"group": ["b"]}


def test_who_comes_back_when_they_were_told_finds_room() -> None:
    one = Standing(read_policy(CPU), 100, retry=1_800_000_000.25)
    assert "at 08:01 UTC" in one.room
    assert one.to_fields()["retry_time"] == "2027-01-15T08:00:01Z"


def test_of_several_limits_the_one_that_holds_longest_is_told() -> None:
    soon, late = Standing(read_policy(A), 50 * GIB, 10.0), Standing(read_policy(CPU), 100, 20.0)
    files = read_policy({"resource": "storage", "limit": "1G", "window": 1})
    assert longest([soon, late, Standing(read_policy(WEEK), 1, 30.0)]) == late
    assert longest([Standing(files, 2 * GIB), late]) == Standing(files, 2 * GIB)
    assert longest([Standing(files, 1)]) is None


def test_a_warning_comes_before_the_limit() -> None:
    policy = read_policy(CPU)
    assert not Standing(policy, 79).warning
    assert Standing(policy, 80).warning == (
        "You have used 80 of 100 processor-hours within 30 days. Little is left."
    )
    assert not Standing(policy, 80).over
    assert Standing(policy, 100, retry=1.0).over
    assert Resource.STORAGE == "storage"
