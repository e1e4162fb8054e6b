"""Run by Alembic: migrate on the connection that `upgrade` was given."""

from alembic import context

from binderhub_ext.service.records.classtables import Base  # of all tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite cannot alter a column in place
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
