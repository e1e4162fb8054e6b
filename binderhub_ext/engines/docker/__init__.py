"""The `docker` engine: repo2docker builds, DockerSpawner runs."""

from ..base import Engine

ENGINE = Engine(
    name="docker",
    builder="binderhub_ext.engines.docker.build:DockerBuilder",
    spawner="binder-docker",
    owner="binderhub_ext.engines.containers.people:ensure_person",
    hub_settings="binderhub_ext.engines.docker.network:hub_settings",
    secrets=True,
)
