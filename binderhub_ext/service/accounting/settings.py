"""What an administrator decides about accounting, as configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from traitlets import Bool, Dict, Float, List, TraitError, Unicode, default, validate
from traitlets.config import Config, Configurable

from ...core.errors import BinderError
from ...core.launch import Launch
from ...core.policy import Size
from ...core.spending import Prices
from ...core.usagequotas import Policies, read_policies
from ...traits import Bytes, read_size

_PRICED = ("memory", "cpu", "gpu", "build", "storage")
_SPAWNERS = (
    *("LocalSpawner", "BinderDockerSpawner", "BinderKubeSpawner", "BinderSpawnerMixin"),
    *("DockerSpawner", "KubeSpawner"),
)


def _positive(obj: Configurable, name: str, figures: Mapping[str, Any]) -> None:
    for key, value in figures.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise TraitError(f"{type(obj).__name__}.{name}: {key}: {value!r} is no such number")


@dataclass(frozen=True)
class Given:
    """What servers get.

    Attributes:
        default: one that asks for nothing.
        gpus: how many, by the size's name.
    """

    default: Size
    gpus: Mapping[str, float]

    def of(self, launch: Launch | None) -> tuple[int, float, float]:
        """Bytes of memory, processors and GPUs of a server; of none of ours the default."""
        memory = (launch.memory if launch else 0) or self.default.memory
        cpu = (launch.cpu if launch else 0) or self.default.cpu
        return memory, cpu, self.gpus.get(launch.size, 0.0) if launch else 0.0


class Ledger(Configurable):
    """What people use, as it is written down and priced."""

    every = Float(
        30,
        min=0.1,
        help="""Seconds between two looks at the Hub's list of running servers (default 30). What
        nobody told the service about is known as exactly as that.""",
    ).tag(config=True)

    storage = Bool(
        True,
        help="""Whether what homes and volumes take is measured and written down once a day
        (default: yes). Reads the names and sizes of all files.""",
    ).tag(config=True)

    default_memory = Bytes(
        help="""Memory that is counted for servers that ask for none. Default: the spawner's
        `mem_limit` where this configuration has one, else `2G`."""
    ).tag(config=True)

    default_cpu = Float(
        min=0,
        help="""Processors that are counted for servers that ask for none. Default: the spawner's
        `cpu_limit` where this configuration has one, else 2.""",
    ).tag(config=True)

    gpus = Dict(
        help="""GPUs that servers of a size have, by its name in `c.LaunchPolicy.sizes`, such as
        `{"gpu": 1}`. Default: those in `c.BinderKubeSpawner.sizes`."""
    ).tag(config=True)

    prices = Dict(
        help="""What things cost: a GiB of `memory`, one of `cpu` and `gpu` for an hour, a minute
        of `build`, a GiB of `storage` for a day, such as `{"memory": 0.004, "cpu": 0.02}`. Default:
        nothing, and no cost is shown."""
    ).tag(config=True)

    size_prices = Dict(
        help="""What an hour of a server of a size costs, by the size's name; instead of its memory
        and processors."""
    ).tag(config=True)

    currency = Unicode("", help="Of the prices, such as `EUR`. Default: none is shown.").tag(
        config=True
    )

    namespace = Unicode(
        help="""Label `namespace` of the figures for Prometheus. Default: $POD_NAMESPACE, or
        none."""
    ).tag(config=True)

    @default("namespace")
    def _namespace(self) -> str:
        return os.environ.get("POD_NAMESPACE", "")

    @default("default_memory")
    def _default_memory(self) -> int:
        return read_size(_of_spawner(self.config, "mem_limit") or 2 << 30)

    @default("default_cpu")
    def _default_cpu(self) -> float:
        return float(_of_spawner(self.config, "cpu_limit") or 2)

    @default("gpus")
    def _gpus(self) -> dict[str, float]:
        return {
            name: sum(float(count) for what, count in given.items() if what.endswith("gpu"))
            for name, settings in dict(self.config.BinderKubeSpawner.get("sizes", {})).items()
            if (given := settings.get("extra_resource_limits"))
        }

    @validate("prices")
    def _check_prices(self, proposal: Any) -> dict[str, float]:
        prices: dict[str, float] = proposal["value"]
        if unknown := set(prices) - set(_PRICED):
            priced = ", ".join(_PRICED)
            raise TraitError(f"Ledger.prices: {min(unknown)!r} has no price; {priced} have")
        _positive(self, "prices", prices)
        return prices

    @validate("size_prices", "gpus")
    def _check_figures(self, proposal: Any) -> dict[str, float]:
        figures: dict[str, float] = proposal["value"]
        _positive(self, proposal["trait"].name, figures)
        return figures

    def given(self) -> Given:
        """What servers get, as far as this configuration says."""
        return Given(Size(self.default_memory, self.default_cpu), self.gpus)

    def price_list(self) -> Prices:
        """The prices, as the pure core wants them."""
        return Prices(self.size_prices, **self.prices, currency=self.currency)


class UsageQuotas(Configurable):
    """How much people may use within some days, as jupyterhub-usage-quotas writes it."""

    policy = List(
        Dict(),
        help="""Limits: `{"resource": "memory", "limit": "500G", "window": 7, "scope": {"group":
        ["students"]}}` gives each member of the group 500 GiB-hours within any 7 days. Resources
        are `memory` (byte-hours), `cpu` and `gpu` (hours), as servers asked for them,
        `build_minutes`, and `storage` (bytes of home and own volumes as last measured). A scope
        has groups (`group`) and people (`user`); without one it is for everybody. Checked before a
        server starts; running servers go on. Default: none.""",
    ).tag(config=True)

    scope_fallback_strategy = Dict(
        help="""What holds for whom no limit is (`empty`: one without a scope, or a list of those)
        and which of several limits of one resource and window holds (`intersection`: `min`, `max`
        or `sum`). Default: `{"intersection": "min"}`, and none for those without one."""
    ).tag(config=True)

    failover_open = Bool(
        True,
        help="""Whether servers start while it is not known what somebody has used, because the
        Hub or the database does not say (default: yes).""",
    ).tag(config=True)

    @validate("policy")
    def _check_policy(self, proposal: Any) -> Any:
        _read("policy", proposal["value"], {})
        return proposal["value"]

    @validate("scope_fallback_strategy")
    def _check_strategy(self, proposal: Any) -> Any:
        _read("scope_fallback_strategy", [], proposal["value"])
        return proposal["value"]

    def policies(self) -> Policies:
        """The limits, as the pure core wants them."""
        return read_policies(self.policy, self.scope_fallback_strategy)


def _read(name: str, policy: list[Any], strategy: Mapping[str, Any]) -> None:
    try:
        read_policies(policy, strategy)
    except KeyError as error:
        raise TraitError(f"UsageQuotas.{name}: {error} is missing") from error
    except (BinderError, ValueError, TypeError, AttributeError) as error:
        raise TraitError(f"UsageQuotas.{name}: {error}") from error


def _of_spawner(config: Config, name: str) -> Any:
    """A setting of the spawner's, where the service reads the Hub's configuration too."""
    for section in (*_SPAWNERS, "Spawner"):
        if name in config[section]:
            return config[section][name]
    return None
