"""Whether the databases answer, before anything is started."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..service.records.database import said, with_our_driver
from ..sqlite import check_usable


def check(c: Config, layout: DataDirectory) -> None:
    """Connect to each database, and look whether those that are files are whole.

    Args:
        c: the configuration of the Hub and of the service.
        layout: where they are if it says nothing else.

    Raises:
        CannotStart: one does not answer or is damaged; in words, without its password.
    """
    for setting, url, usual in (
        ("JupyterHub.db_url", c.JupyterHub.get("db_url", ""), layout.hub_db),
        ("BinderApp.db_url", c.BinderApp.get("db_url", ""), layout.binder_db),
    ):
        if url:
            _check(setting, str(url))
        else:
            check_usable(usual)


def _check(setting: str, url: str) -> None:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            check_usable(Path(parsed.database or ""))
            return
        # The Hub takes a URL as SQLAlchemy does.
        _connect(parsed if setting.startswith("JupyterHub") else with_our_driver(parsed))
    except ModuleNotFoundError as error:
        raise CannotStart(
            "c.{setting} needs the Python package {name}. For PostgreSQL:"
            " pip install 'binder-at-home[postgresql]' and a URL that begins with"
            " postgresql+psycopg://.",
            setting=setting,
            name=error.name,
        ) from error
    except SQLAlchemyError as error:
        raise CannotStart(
            "The database of c.{setting} cannot be used: {error}.",
            setting=setting,
            error=said(error),
        ) from error


def _connect(url: URL) -> None:
    engine = create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()
