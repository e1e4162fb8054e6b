"""Run repo2docker once, as a program of its own.

A program because repo2docker blocks, changes the working directory and is ended by ending it.
Reads one JSON object (:class:`~.job.Job`) from a file, prints the build's log, and ends with status
0 when the image is there.

Usage: python -m binderhub_ext.engines.docker.worker JOB.json
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from repo2docker.app import Repo2Docker

from ..containers.application import configured
from ..orphans import end_with_parent
from .job import PODMAN, Job

_ALL_AT_ONCE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Runs a program whose end is that of all it started. Podman runs steps itself, in sessions of
their own: without this they go on when the build was ended. Takes root."""


def configure(job: Job) -> Repo2Docker:
    """A repo2docker application that does exactly this job."""
    app = configured(job)
    app.config.DockerEngine.extra_buildx_build_args = _arguments(job)
    return app


def _arguments(job: Job) -> list[str]:
    """Arguments of `docker buildx build`; the repository has no say in what they set."""
    labels = [f"--label={name}={value}" for name, value in job.labels.items()]
    return [*labels, *job.own_caches, *job.buildx_args]


def main() -> None:
    end_with_parent()
    job = Job(**json.loads(Path(sys.argv[1]).read_text()))
    if job.engine == PODMAN and os.geteuid() == 0 and os.getpid() != 1:
        again = [sys.executable, "-P", "-m", f"{__package__}.worker", sys.argv[1]]
        sys.exit(subprocess.run([*_ALL_AT_ONCE, *again]).returncode)
    try:
        configure(job).build()
    except subprocess.CalledProcessError as error:
        # What it says is the log; where repo2docker noticed is of no use to anybody.
        sys.exit(error.returncode)


if __name__ == "__main__":
    main()
