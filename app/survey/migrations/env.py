"""Alembic runs this with the connection the program hands over; there is no alembic.ini."""

from alembic import context

from app.survey.tables.base import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
