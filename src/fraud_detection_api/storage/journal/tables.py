"""The tables of the journal: runs, and their steps."""

import sqlalchemy as sa

from fraud_detection_api.storage.engines.engine import Engine

LONGEST_ID, LONGEST_NAME, LONGEST_TEXT = 40, 100, 255


def run_table(engine: Engine, project: str) -> sa.Table:
    """One row for each run, of however many data folders."""
    return engine.table(
        project,
        "runs",
        sa.Column("id", sa.String(LONGEST_ID), primary_key=True),
        sa.Column("folder", sa.String(LONGEST_ID), nullable=False),
        sa.Column("kind", sa.String(LONGEST_ID), nullable=False),
        sa.Column("raw", engine.long_text, nullable=False),
        sa.Column("parameters", engine.long_text, nullable=False),
        sa.Column("state", sa.String(LONGEST_ID), nullable=False),
        sa.Column("created", engine.moment, nullable=False),
        sa.Column("started", engine.moment),
        sa.Column("ended", engine.moment),
        sa.Column("error", engine.long_text),
        sa.Column("error_step", sa.String(LONGEST_NAME)),
        sa.Column("verdict", engine.long_text),
        sa.Column("holder", sa.String(LONGEST_TEXT)),  # whose lock it is, while it runs
        sa.Column("is_cancelling", sa.Integer, nullable=False),
        sa.Column("dashboard", sa.String(LONGEST_TEXT)),
        sa.Index("runs_by_folder", "folder", "created", "id"),
    )


def step_table(engine: Engine, project: str) -> sa.Table:
    """One row for each step of a run."""
    return engine.table(
        project,
        "steps",
        sa.Column("run", sa.String(LONGEST_ID), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(LONGEST_NAME), nullable=False),
        sa.Column("state", sa.String(LONGEST_ID), nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("of", sa.Integer, nullable=False),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("output", sa.String(LONGEST_TEXT), nullable=False),
        sa.Column("digest", sa.String(LONGEST_TEXT), nullable=False),
    )
