"""The `kubernetes` engine: Jobs with repo2docker and buildah build, KubeSpawner runs."""

from ..base import Engine

ENGINE = Engine(
    name="kubernetes",
    builder="binderhub_ext.engines.kubernetes.build:KubernetesBuilder",
    spawner="binder-kubernetes",
    owner="binderhub_ext.engines.containers.people:ensure_person",
    secrets=True,
    # Nodes start them, whose number is not ours to know; the Hub takes on 100 at once by itself.
    concurrent_starts=64,
)
