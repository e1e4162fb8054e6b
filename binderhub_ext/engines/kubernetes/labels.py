"""Labels by which things of ours in the cluster are found, by us and by network policies."""

from __future__ import annotations

HUB = "binder-at-home/hub"
"""Which hub something belongs to, see `Cluster.hub`."""

RUN = "binder-at-home/run"
"""Of a server: the name of its run directory."""

FILES = "binder-at-home/files"
"""Of a server: what it sees of its person's files, as a launch says it."""

KEY = "binder-at-home/key"
"""Of a build: the environment's key."""

PULLED = "binder-at-home/pulled"
"""Of what has nodes pull an image: which one, for which nodes."""

GIVEN = "binder-start-"
"""How the name of a Secret begins that one start was given."""

NETWORK = {"hub.jupyter.org/network-access-hub": "true"}
"""What Zero-to-JupyterHub gives to pods that may reach the Hub."""

BUILD = {
    "app": "jupyterhub",
    "app.kubernetes.io/name": "binder-at-home",
    "app.kubernetes.io/component": "build",
    "component": "binder-build",
}
"""Of everything that is a build."""

PREPULL = {
    "app": "jupyterhub",
    "app.kubernetes.io/name": "binder-at-home",
    "app.kubernetes.io/component": "pull",
    "component": "binder-pull",
}
"""Of everything that has nodes pull an image."""


def selector(labels: dict[str, str]) -> str:
    """Labels as the API server wants to be asked for them."""
    return ",".join(f"{name}={value}" for name, value in labels.items())
