"""Which table is read, and which of its rows count."""

from dataclasses import dataclass

from fraud_detection_api.training.tables.dataset import Period


@dataclass(frozen=True)
class TableSource:
    """A file, a folder or the URL of a database; None is a sample. Bad rows refuse the table, or are left out."""

    data: str | None
    table: str | None
    query: str | None
    period: Period
    skip_bad_rows: bool
    allow_absent: bool = False  # optional fields without a single value
