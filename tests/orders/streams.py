"""Random streams of orders: late, repeated and simultaneous ones, of heavy customers and of people whom nobody knows.

Streams share no customer, e-mail or address, and the chunks of a stream arrive one after the other, so that it is known
what had arrived before an order, whichever streams arrive beside it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.use_cases.orders import ORDERS

Columns = dict[str, NDArray[np.generic]]
LATE, REPEATED, SIMULTANEOUS = 0.2, 0.05, 0.05
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRST = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) * 1000
ARRIVED = FIRST + 400 * DAY  # of the first chunk, after all events
PAUSES, DELAYS = (MINUTE, HOUR, 7 * HOUR), (MINUTE, 3 * HOUR, 2 * DAY, 40 * DAY)
# customers, e-mails and addresses of a stream: heavy customers, usual ones, a crowd, one order each, and nobody known
EVERY_TIME_ANOTHER = 0
KINDS = ((1, 2, 3), (4, 5, 6), (25, 30, 4), (EVERY_TIME_ANOTHER, EVERY_TIME_ANOTHER, 12), (EVERY_TIME_ANOTHER,) * 3)


@dataclass(frozen=True)
class OrderStreams:
    """Orders of many streams, chunk by chunk, and which stream and chunk each row belongs to."""

    columns: Columns
    stream: Whole
    chunk: Whole

    def __len__(self) -> int:
        return len(self.stream)

    def rows(self, streams: range, chunks: range) -> Whole:
        """Where the orders of some chunks of some streams stand."""
        in_streams = (self.stream >= streams.start) & (self.stream < streams.stop)
        found: Whole = np.flatnonzero(in_streams & (self.chunk >= chunks.start) & (self.chunk < chunks.stop))
        return found

    def write(self, folder: Path, parts: list[range]) -> Path:
        """Raw orders as files, one for each range of chunks."""
        folder.mkdir(parents=True)
        for number, chunks in enumerate(parts):
            rows = self.rows(range(int(self.stream.max()) + 1), chunks)
            write_table(folder / f"orders-{number}.parquet", {name: each[rows] for name, each in self.columns.items()})
        return folder

    def sent(self, rows: Whole) -> list[dict[str, object]]:
        """Orders as the service is sent them."""
        return sent_orders(self.columns, rows)


def sent_orders(columns: Columns, rows: Whole) -> list[dict[str, object]]:
    """Some rows as the service is sent them."""
    names = [each.name for each in ORDERS.fields if each.name in columns]
    values = {name: columns[name][rows].tolist() for name in names}
    values["order_date"] = [each.isoformat(timespec="milliseconds") + "Z" for each in values["order_date"]]
    return [dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)]


def order_streams(count: int, size: int, chunks: int, seed: int) -> OrderStreams:
    """So many streams of so many orders each."""
    random = Random(seed)
    rows = [(number, *row) for number in range(count) for row in _stream(random, number, size, chunks)]
    rows.sort(key=lambda row: row[1])  # by chunk; a file has whole chunks
    stream, chunk, id_, time, customer, email, address, cents, is_fraud = map(list, zip(*rows, strict=True))
    times = np.array(time, np.int64)
    columns: Columns = {
        "order_id": np.array(id_, np.int64),
        "order_date": times.astype("datetime64[ms]"),
        "customer_id": np.array(customer, np.int64),
        "email": np.array(email, object),
        "ip_addr": np.array(address, object),
        "order_amount": np.array(cents) / 100,
        "received_at": (ARRIVED + np.array(chunk, np.int64)).astype("datetime64[ms]"),
        "is_fraud": np.array(is_fraud, np.int64),
        "label_known_at": (times + DAY).astype("datetime64[ms]"),
    }
    return OrderStreams(columns, np.array(stream, np.int64), np.array(chunk, np.int64))


Row = tuple[int, int, int, str, str, int, int]


def _stream(random: Random, number: int, size: int, chunks: int) -> list[tuple[int, int, int, int, str, str, int, int]]:
    """The orders of one stream in the order of their arrival, each with its chunk."""
    rows, time = list[Row](), FIRST + random.randrange(DAY)
    for place in range(size):
        if rows and random.random() < REPEATED:
            rows.append(random.choice(rows))
            continue
        if random.random() >= SIMULTANEOUS:
            time += random.choice(PAUSES)
        rows.append(_order(random, number, place, time - random.choice(DELAYS) * (random.random() < LATE)))
    ends = sorted(random.choices(range(size), k=chunks - 1))
    return [(int(np.searchsorted(ends, place, "right")), *row) for place, row in enumerate(rows)]


def _order(random: Random, number: int, place: int, time: int) -> Row:
    customer, email, address = (random.randrange(many) if many else place for many in KINDS[number % len(KINDS)])
    cents = random.randint(1, 100_000)
    is_fraud = random.random() < (0.6 if cents > 90_000 else 0.01)
    names = f"{email}@{number}.example", f"{number}.{address}"
    return number * 10_000 + place, time, number * 10_000 + customer, *names, cents, int(is_fraud)
