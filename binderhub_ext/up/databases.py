"""Whether the databases answer, before anything is started."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from traitlets.config import Config

from ..core.errors import CannotStart
from ..service.database import with_our_driver


def check(c: Config) -> None:
    """Connect to each database that is not a file.

    Args:
        c: the configuration of the Hub and of the service.

    Raises:
        CannotStart: one does not answer; in words, without its password.
    """
    for setting, url in (
        ("JupyterHub.db_url", c.JupyterHub.get("db_url", "")),
        ("BinderApp.db_url", c.BinderApp.get("db_url", "")),
    ):
        if url and not str(url).startswith("sqlite"):
            _check(setting, str(url))


def _check(setting: str, url: str) -> None:
    try:
        parsed = make_url(url)
        # The Hub takes a URL as SQLAlchemy does.
        _connect(parsed if setting.startswith("JupyterHub") else with_our_driver(parsed))
    except ModuleNotFoundError as error:
        raise CannotStart(
            f"c.{setting} needs the Python package {error.name}. For PostgreSQL:"
            " pip install 'binder-at-home[postgresql]' and a URL that begins with"
            " postgresql+psycopg://."
        ) from error
    except SQLAlchemyError as error:
        said = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        raise CannotStart(
            f"The database of c.{setting} cannot be used: {said.rstrip('.')}."
        ) from error


def _connect(url: URL) -> None:
    engine = create_engine(url)
    try:
        engine.connect().close()
    finally:
        engine.dispose()
