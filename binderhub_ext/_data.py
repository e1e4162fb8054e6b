"""Where the files that are not Python lie: templates and what the browser gets.

In a checkout they are the top-level folders `templates/` and `static/`; a wheel puts them into
`share/binderhub_ext/` below the environment's prefix.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path


def templates_dir() -> Path:
    """The folder of Jinja templates."""
    return _data_dir() / "templates"


def hub_templates_dir() -> Path:
    """The folder of those that take the place of JupyterHub's own."""
    return templates_dir() / "hub"


def static_dir() -> Path:
    """The folder of stylesheets, scripts and images."""
    return _data_dir() / "static"


@cache
def _data_dir() -> Path:
    """The folder that holds both.

    Raises:
        FileNotFoundError: the installation is not whole.
    """
    package = Path(__file__).resolve().parent
    if (package.parent / "setup.cfg").is_file():
        return package.parent
    for prefix in package.parents:
        share = prefix / "share" / "binderhub_ext"
        if (share / "templates").is_dir():
            return share
    raise FileNotFoundError(
        f"The templates of binderhub_ext are not to be found around {package}. Install it again."
    )
