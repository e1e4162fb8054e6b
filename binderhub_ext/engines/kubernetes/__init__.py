"""The `kubernetes` engine: Jobs with repo2docker and buildah build, KubeSpawner runs."""

from ..base import Engine

ENGINE = Engine(
    name="kubernetes",
    builder="binderhub_ext.engines.kubernetes.build:KubernetesBuilder",
    spawner="binder-kubernetes",
    secrets=True,
)
