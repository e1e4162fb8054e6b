"""Podman for repo2docker, by repo2docker's own interface for engines (an entry point)."""

from __future__ import annotations

from repo2docker.docker import DockerEngine


class PodmanEngine(DockerEngine):
    """repo2docker's engine for Docker, which builds with Podman from 4.0 on.

    repo2docker itself takes Podman only where `podman buildx version` exists, which is far later
    than `podman buildx build`, and only where `DOCKER_HOST` has its name in it.
    """

    container_cli = "podman"
