"""Sizes, networks and patterns are written one way in every setting, and refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets import Dict, List, TraitType
from traitlets.config import Application

from binderhub_ext.config.check import check
from binderhub_ext.config.files import read
from binderhub_ext.core.errors import CannotStart
from binderhub_ext.core.policy import Size
from binderhub_ext.engines.base import Builder
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.service.settings import LaunchPolicy
from binderhub_ext.storage.space import Space
from binderhub_ext.traits import Bytes, Cidr, Pattern
from tests.house.test_documented import generate

GIB = 2**30


def settings() -> list[tuple[str, TraitType[Any, Any]]]:
    return [
        (f"{cls.__name__}.{name}", trait)
        for cls, traits in generate.configurables()
        for name, trait in traits.items()
    ]


def test_every_size_is_one() -> None:
    sizes = [(name, trait) for name, trait in settings() if trait.help.split()[0] == "Bytes"]
    assert len(sizes) > 15
    assert [name for name, trait in sizes if not isinstance(trait, Bytes)] == []


def test_every_network_is_one() -> None:
    lists = [(name, trait) for name, trait in settings() if name.endswith("_networks")]
    items = [
        (name, trait._trait if isinstance(trait, List) else trait._key_trait)
        for name, trait in lists
        if isinstance(trait, List | Dict)
    ]
    assert len(items) == len(lists) > 6
    assert [name for name, item in items if not isinstance(item, Cidr)] == []


def test_every_regular_expression_is_one() -> None:
    said = [(name, trait) for name, trait in settings() if "regular expression" in trait.help]
    items = [(name, trait._trait if isinstance(trait, List) else trait) for name, trait in said]
    assert len(items) > 2
    assert [name for name, item in items if not isinstance(item, Pattern)] == []


@pytest.mark.parametrize(
    ("written", "size"),
    [
        *((20 * GIB, 20 * GIB), ("20G", 20 * GIB), ("20GiB", 20 * GIB), ("0.5g", GIB // 2)),
        *((1e9, 10**9), (0, 0), ("0", 0), ("", 0)),
    ],
)
def test_a_size_is_a_number_or_text(written: Any, size: int) -> None:
    assert Space(home_limit=written).limits().home == size
    assert LaunchPolicy(max_memory=written).policy().max_memory == size
    assert LocalBuilder(data_dir="/", max_total_size=written).max_total_size == size


def test_sizes_come_from_the_command_line() -> None:
    class Program(Application):
        classes = [Space]

    program = Program()
    program.parse_command_line(["--Space.home_limit=2G", f"--Space.reserve={GIB}"])
    limits = Space(parent=program).limits()
    assert (limits.home, limits.reserve) == (2 * GIB, GIB)


@pytest.mark.parametrize(
    ("cls", "figures"),
    [(LocalBuilder, (2, 50)), (DockerBuilder, (5, 200))],
)
def test_what_engines_share_has_a_default_of_each(
    tmp_path: Path, cls: type[Builder], figures: tuple[int, int]
) -> None:
    builder = cls(data_dir=str(tmp_path))
    assert (builder.min_free_space // GIB, builder.max_total_size // GIB) == figures


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Space.home_limit", "20 apples"),
        ("Space.home_limit", -1),
        ("Space.reserve", True),
        ("LaunchPolicy.max_memory", None),
        ("DockerBuilder.max_total_size", "200Q"),
        ("LocalSpawner.temp_limit", [1]),
        ("AddressPolicy.allowed_networks", ["10.0.0.0/99"]),
        ("LocalSpawner.blocked_networks", ["10.0.0/8"]),
        ("BinderDockerSpawner.blocked_networks", ["10.0.0.1/8"]),
        ("LocalBuilder.blocked_networks", ["intranet.example.org"]),
        ("DockerBuilder.allowed_networks", [5]),
        ("Access.ban_networks", {"192.0.2.1/24": "host bits"}),
        ("LaunchPolicy.banned_specs", ["gh/owner(/"]),
        ("LaunchPolicy.images", [1]),
        ("Volumes.group_pattern", "lab-["),
        ("Volumes.groups", {"class-a": {"rw": "teachers"}}),
        ("Volumes.groups", {"Class A": {"rw": ["teachers"]}}),
        ("LaunchPolicy.sizes", {"large": {"mem": "16G"}}),
        ("LaunchPolicy.sizes", {"large": {"memory": "16 apples"}}),
        ("LaunchPolicy.sizes", {"large": {"cpu": -1}}),
        ("LaunchPolicy.sizes", {"large": "16G"}),
        ("LaunchPolicy.extra_targets", {"pluto": {"path": "//evil.example"}}),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: Any) -> None:
    path = tmp_path / "conf.py"
    path.write_text(f"c.{name} = {value!r}\n")
    written = read(path)
    with pytest.raises(CannotStart) as refused:
        check(written.config, written.paths)
    assert refused.value.message.startswith(f"{path}, line 1: c.{name} has a wrong value: ")


def test_a_size_that_is_refused_says_what_it_may_have() -> None:
    with pytest.raises(Exception, match="sizes: large: 'mem' is neither memory nor cpu"):
        LaunchPolicy(sizes={"large": {"mem": "16G"}})
    offered = LaunchPolicy(sizes={"large": {"memory": 16 * GIB, "cpu": "4"}}).policy().sizes
    assert offered == {"large": Size(16 * GIB, 4)}


def test_an_address_alone_is_a_network() -> None:
    builder = LocalBuilder(data_dir="/", allowed_networks=["10.1.2.3"])
    assert builder.allowed_networks == ["10.1.2.3/32"]
