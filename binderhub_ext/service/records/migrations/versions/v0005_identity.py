"""Trust is in a repository, however it is fetched; what was trusted unencrypted stays so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TRUST = sa.table("trust", sa.column("id"), sa.column("repo"), sa.column("rights"))
_CASELESS = ("gist.github.com", "gitea.com")


def upgrade() -> None:
    connection = op.get_bind()
    for id, repo, rights in connection.execute(sa.select(_TRUST)).all():
        words = rights.split("\n")
        if repo.startswith(("http://", "git://")) and "unencrypted" not in words:
            words.append("unencrypted")
        values = {"repo": _identity(repo), "rights": "\n".join(sorted(filter(None, words)))}
        connection.execute(sa.update(_TRUST).where(_TRUST.c.id == id).values(values))


def downgrade() -> None:
    """Nothing: a version before this one asks again about what was trusted by HTTP or SSH."""


def _identity(repo: str) -> str:
    _scheme, _, place = repo.partition("://")
    if not place:
        return repo
    host, _, path = place.partition("/")
    host = host.rpartition("@")[2]
    return f"https://{host}/{path.lower() if host in _CASELESS else path}"
