"""Podman for repo2docker, by repo2docker's own interface for engines (an entry point)."""

from __future__ import annotations

from repo2docker.docker import DockerEngine


class PodmanEngine(DockerEngine):
    """repo2docker's engine for Docker, which builds with Podman too.

    repo2docker itself takes Podman only where `podman buildx version` exists, which 4.3 lacks
    though it has `podman buildx build`, and only where `DOCKER_HOST` has its name in it.
    """

    container_cli = "podman"
