"""Pages of stored scores, by id."""

from datetime import UTC

import sqlalchemy as sa

from fraud_detection_api.schemas.stored_scores import PageAsked, PageRow


def read_page(connection: sa.Connection, table: sa.Table, asked: PageAsked) -> list[PageRow]:
    """The page, and one row more where there is more."""
    columns = table.c
    statement = sa.select(columns.id, columns.outlier_prob, columns.class_pred, columns.inserted_at)
    if asked.class_pred is not None:
        statement = statement.where(columns.class_pred == asked.class_pred)
    if asked.min_prob is not None:
        statement = statement.where(columns.outlier_prob >= asked.min_prob)
    if asked.after is not None:
        statement = statement.where(columns.id > asked.after)
    found = connection.execute(statement.order_by(columns.id).limit(asked.limit + 1))
    return [PageRow(*row[:3], row[3].replace(tzinfo=UTC)) for row in found]
