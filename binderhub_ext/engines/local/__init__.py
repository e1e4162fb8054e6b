"""The `local` engine: `uv` environments and sandboxed processes, no container runtime."""

from ..base import Engine

ENGINE = Engine(
    name="local",
    builder="binderhub_ext.engines.local.build:LocalBuilder",
    spawner="binder-local",
    owner="binderhub_ext.engines.local.people:ensure_owner",
    secrets=True,
    folders=True,
)
