"""repo2docker, told to do one build; for the program of an engine that runs it.

Imported only by such programs: repo2docker blocks, and changes the working directory.
"""

from __future__ import annotations

import logging

from repo2docker.app import Repo2Docker
from repo2docker.buildpacks.python import PythonBuildPack

from .lockedpack import locked_pack
from .order import REPO_DIR, BuildOrder
from .uvpack import UvBuildPack, with_pack

NB_USER, NB_UID = "jovyan", 1000


def configured(order: BuildOrder) -> Repo2Docker:
    """A repo2docker application that does exactly this order."""
    app = Repo2Docker()
    app.engine = order.engine
    app.repo = order.context
    app.output_image_spec = order.image
    app.user_id, app.user_name = NB_UID, NB_USER
    app.target_repo_dir = REPO_DIR
    app.run = False
    app.log_format = "%(message)s"
    app.log_level = logging.INFO
    if order.base_image:
        app.base_image = order.base_image
    ours = UvBuildPack if order.buildpack == "uv" else PythonBuildPack
    if order.locked:
        ours = locked_pack(ours, order.locked)
    app.buildpacks = with_pack(ours)
    app.default_buildpack = ours
    return app
