"""Projects: a MySQL database or a PostgreSQL schema each; a SQLite file is made by attaching it."""

import sqlalchemy as sa


def has_project(connection: sa.Connection, project: str) -> bool:
    """Whether somebody has made it."""
    return project in sa.inspect(connection).get_schema_names()


def make_project(connection: sa.Connection, project: str) -> None:
    """Make it; fails where somebody else has made it since."""
    connection.execute(sa.schema.CreateSchema(project, if_not_exists=True))
