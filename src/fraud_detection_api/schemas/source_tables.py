"""Tables that a use case's records are made from, where they are no table of their own."""

from dataclasses import dataclass

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.schemas.record import Kind, Record, fields_of


@dataclass(frozen=True)
class SourceTable:
    """One table of several: its name, a record class for its rows, and the field that names each of them once."""

    name: str
    record: type[Record]
    key: str


@dataclass(frozen=True)
class Total:
    """A column of the events, or a product of columns of events and lookups, summed up for each entity."""

    of: str
    factors: tuple[str, ...] = ()  # what is multiplied, row by row, where it is no column itself

    @property
    def name(self) -> str:
        """The field of the record that holds it."""
        return f"total_{self.of}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is made from."""
        return self.factors or (self.of,)


@dataclass(frozen=True)
class SourceTables:
    """Tables that a use case's records are made from: one record for each entity, with totals over its events.

    An event names its entity, and a row of each lookup, by the fields that are the keys of those tables.
    """

    entities: SourceTable
    events: SourceTable
    totals: tuple[Total, ...]
    lookups: tuple[SourceTable, ...] = ()

    def __post_init__(self) -> None:
        for table in self.every:
            key = next((each for each in fields_of(table.record) if each.name == table.key), None)
            if key is None or key.kind is not Kind.INTEGER:
                raise UseCaseInvalid(f"Table {table.name}: its key {table.key!r} is no int field of its record.")
        known = [name for table in (self.events, *self.lookups) for name in _names(table.record)]
        named = {self.entities.key, *(table.key for table in self.lookups)} - set(_names(self.events.record))
        if named:
            raise UseCaseInvalid(f"Table {self.events.name}: an event has no field {', '.join(sorted(named))}.")
        for name in (name for total in self.totals for name in total.columns):
            if known.count(name) != 1:
                raise UseCaseInvalid(f"A total is made from {name!r}, which is not one field of events and lookups.")

    @property
    def every(self) -> tuple[SourceTable, ...]:
        """All tables, those first that others refer to."""
        return (self.entities, *self.lookups, self.events)

    @property
    def made(self) -> tuple[str, ...]:
        """The fields that a record can have."""
        return (*_names(self.entities.record), *(total.name for total in self.totals))


def _names(record: type[Record]) -> tuple[str, ...]:
    return tuple(each.name for each in fields_of(record))
