"""Print the Dockerfile that repo2docker makes of a folder, as this engine configures it.

Usage: render.py FOLDER stock|uv
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import asdict
from pathlib import Path

warnings.simplefilter("ignore")

from binderhub_ext.core.environment import determine  # noqa: E402
from binderhub_ext.engines.configuration import reader  # noqa: E402
from binderhub_ext.engines.containers.application import REPO_DIR  # noqa: E402
from binderhub_ext.engines.containers.lockfiles import place_lock  # noqa: E402
from binderhub_ext.engines.detect import Detection  # noqa: E402
from binderhub_ext.engines.docker.job import Job  # noqa: E402
from binderhub_ext.engines.docker.worker import configure  # noqa: E402


def main() -> None:
    folder, kind = sys.argv[1:]
    found = determine("PythonBuildPack", "", reader(Path(folder)))
    facts = found.files, found.reasons, found.remote
    lock = place_lock(Path(folder), Detection("PythonBuildPack", "", "3.12", "", *facts))
    order = {"lock": asdict(lock)} if lock else {}
    app = configure(Job(context=folder, image="x", buildpack=kind, **order))
    os.chdir(folder)
    for pack_class in (*app.buildpacks, app.default_buildpack):
        pack = pack_class(app.base_image)
        pack.platform = app.platform
        if pack.detect() or pack_class is app.default_buildpack:
            print(type(pack).__name__)
            print(pack.render({"REPO_DIR": REPO_DIR, "NB_USER": app.user_name, "NB_UID": "1000"}))
            return


if __name__ == "__main__":
    main()
