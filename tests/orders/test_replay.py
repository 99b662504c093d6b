"""The last month of a pipeline's orders, replayed live, has the pipeline's features and the model's scores, to the bit.

A run knows what had arrived when it began. So the last month is what arrived in it, late orders of months before among
them, and it is sent in the order of its arrival. Lists end before an order that is earlier than another of its keys:
within a list orders see each other as they happened, and not as they arrived.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from fraud_detection_api.features.columns import Remembered
from fraud_detection_api.features.deriving import derive
from fraud_detection_api.features.history_numpy import Whole
from fraud_detection_api.features.tables import columns_of_table
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.samples.order_population import OrderSettings
from fraud_detection_api.samples.orders import orders_file
from fraud_detection_api.storage.answer_log.entry import as_answered
from fraud_detection_api.storage.files import write_table
from fraud_detection_api.use_cases.orders import ORDERS
from tests.orders.shop import OrderShop, differing
from tests.orders.streams import Columns, sent_orders
from tests.storage.histories.private_redis import private_redis

MONTHS, KEYS, MOST = 4, ("customer_id", "email", "ip_addr"), 200
SETTINGS = OrderSettings(files=MONTHS, orders_a_file=2_500, customers=300, emails=300, addresses=300)


def every_month() -> Columns:
    """Orders of some months, as they lie in files."""
    files = [orders_file(number, SETTINGS, seed=5).columns for number in range(MONTHS)]
    return {name: np.concatenate([file[name] for file in files]) for name in files[0]}


def written(folder: Path, columns: Columns, rows: Whole) -> Path:
    """Raw orders, in two files."""
    folder.mkdir()
    for number, some in enumerate(np.array_split(rows, 2)):
        write_table(folder / f"orders-{number}.parquet", {name: values[some] for name, values in columns.items()})
    return folder


def lists(columns: Columns, rows: Whole) -> Iterator[Whole]:
    """Orders by arrival, in lists in which those that share a key stand in the order of their events."""
    latest, first = dict[tuple[str, object], tuple[object, int]](), 0
    for place, row in enumerate(rows.tolist()):
        moment = columns["order_date"][row], columns["order_id"][row]
        keys = [(name, columns[name][row]) for name in KEYS]
        if place - first == MOST or any(key in latest and latest[key] > moment for key in keys):
            yield rows[first:place]
            latest, first = {}, place
        latest |= dict.fromkeys(keys, moment)
    yield rows[first:]


def scores_of(shop: OrderShop, columns: Columns, said: Remembered) -> list[float]:
    """What the champion says of orders with these features, without a service."""
    registry = Registry(shop.folder / "models")
    scorer = load_scorer(registry.bundle(ORDERS.name, registry.find(ORDERS.name, "champion")), ORDERS)
    checked, problems = columns_of_table(columns, ORDERS)
    assert not problems
    return as_answered(scorer.scores(derive(replace(checked, remembered=said), ORDERS)).values)


def test_the_last_month_live_is_what_the_pipeline_says_of_it(tmp_path: Path) -> None:
    columns = every_month()
    arrived = np.lexsort([columns[name] for name in ("order_id", "order_date", "received_at")])
    is_last = columns["received_at"][arrived] >= np.datetime64("2024-04-01")
    before, last = arrived[~is_last], arrived[is_last]
    assert (columns["order_date"][last] < np.datetime64("2024-04-01")).any(), "some are late"
    with private_redis() as redis:
        shop = OrderShop(tmp_path, redis.url)
        shop.pipeline(written(tmp_path / "before", columns, before), "--least-average-precision", "0")
        shop.fraud("models", "promote", "orders", "1", "--force", "so few orders prove nothing")
        rows_of, answers = dict[str, Whole](), dict[int, float]()
        with shop.services() as (service,), service.client() as client:
            for rows in lists(columns, last):
                found = client.post("/score/orders", json=sent_orders(columns, rows))
                assert found.status_code == 200, found.text
                rows_of[found.headers["X-Request-ID"]] = rows
                answers |= {each["order_id"]: each["fraud_probability"] for each in found.json()}
            shop.wait_for_answers(len(last))
        everything = shop.features(written(tmp_path / "all", columns, np.arange(len(columns["order_id"]))))
        online = at(shop.logged(rows_of, len(columns["order_id"])), last)
        offline = at(everything, last)
        assert differing(online, offline) == {}
        own = {name: values[last] for name, values in columns.items()}
        assert [answers[each] for each in own["order_id"].tolist()] == scores_of(shop, own, offline)
        assert len(set(answers.values())) > 100
        assert ", 0 differences" in shop.fraud("orders", "parity")


def at(said: Remembered, rows: Whole) -> Remembered:
    """What is said of some rows."""
    return Remembered(said.values[:, rows], said.flags[:, rows], said.received[:, rows])
