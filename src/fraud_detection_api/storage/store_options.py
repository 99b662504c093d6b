"""Where the store is and what it may hold; what could never work is refused before anything is connected."""

import re
from dataclasses import dataclass, field

from fraud_detection_api.errors import InputRefused, StoreUnusable
from fraud_detection_api.problems import Misfit
from fraud_detection_api.schemas.stored_scores import SAFE_NAME
from fraud_detection_api.storage.engines.known import ENGINES, known_engine

_TAKEN_PROJECTS = ("main", "temp", "pg_")  # by SQLite for what is attached, by PostgreSQL for itself
_TAKEN_TABLES = ("sqlite_",)


@dataclass(frozen=True)
class StoreOptions:
    """Where the store is, which projects it may hold, and what is asked of it; the URL may hold a password."""

    url: str = field(repr=False)
    projects: tuple[str, ...]
    pool_size: int = 5
    timeout_seconds: float = 10

    def __post_init__(self) -> None:
        scheme, separator, _ = self.url.partition("://")
        if not separator or known_engine(scheme) is None:
            known = ", ".join(f"{name}://" for engine in ENGINES for name in engine.schemes)
            raise StoreUnusable(f"The store's URL has to begin with one of {known}")
        for name in self.projects:
            if not _is_safe(name) or name.startswith(_TAKEN_PROJECTS):
                raise StoreUnusable(f"The store cannot hold a project named {name!r}.")

    def refuse_unknown_project(self, project: str) -> None:
        """Only what the settings name may be made, read or written to."""
        if project not in self.projects:
            raise InputRefused([Misfit(("project_name",), "the settings allow no project of this name", project)])


def refuse_unsafe_table(table: str) -> None:
    """Only what every database takes as a name, without quotes and without a meaning of its own."""
    if not is_safe_table(table):
        why = "a name has a lower-case letter first, then at most 62 lower-case letters, digits and _"
        raise InputRefused([Misfit(("table_name",), why, table)])


def is_safe_table(table: str) -> bool:
    """Whether every database takes it."""
    return _is_safe(table) and not table.startswith(_TAKEN_TABLES)


def _is_safe(name: str) -> bool:
    return re.fullmatch(SAFE_NAME, name) is not None
