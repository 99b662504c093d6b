"""Are live features those of the pipeline? `python -m benchmarks.parity`.

Random streams of 200 orders: 20 % late, some of them later than what is retained; 5 % repeated; 5 % simultaneous; of
heavy customers, usual ones, a crowd, customers with one order each, and nobody known. The first third goes through
the pipeline, which makes a model and loads the histories. The rest goes through two API processes with one Redis, in
lists of 200 to 1,000 orders on four connections; halfway Redis is emptied and restored from files and answer log.
Then the pipeline's steps read all orders, and each live one is compared by its bytes with what the answer log says of
it; of each five groups of streams one is sent in no order at all, and compared by `fraud orders parity`, like all
others.
"""

import argparse
import tempfile
import time
from pathlib import Path

from tests.orders.parity import CHUNKS, Parity
from tests.orders.shop import OrderShop
from tests.orders.streams import order_streams
from tests.storage.histories.private_redis import private_redis

SIZE, STREAMS_A_REQUEST = 200, 50
PATIENCE = 60  # a request that is given up half-way and sent again arrives in another order


def main() -> None:
    """Print what was compared, and what differs."""
    options = _options()
    started = time.perf_counter()

    def say(what: str) -> None:
        print(f"{time.perf_counter() - started:7.0f} s  {what}", flush=True)

    with tempfile.TemporaryDirectory(prefix="parity-") as folder, private_redis() as redis:
        streams = order_streams(options.streams, SIZE, CHUNKS, options.seed)
        say(f"{options.streams:,} streams, {len(streams):,} orders")
        shop = OrderShop(Path(folder), redis.url, partitions=16, more={"histories_timeout_seconds": PATIENCE})
        found = Parity(shop, redis, streams, STREAMS_A_REQUEST, say).run()
    say("done")
    print(f"{found.live:,} live orders, {found.racing:,} of them in no order; flags {found.flags}")
    print(f"Differing from the pipeline by feature: {found.differing or 'none'}")
    print(f"{found.restored_keys:,} keys before the flush, {found.restored_differently:,} restored with other bytes")
    print(f"fraud orders parity: {found.parity}")
    if found.differing or found.restored_differently:
        raise SystemExit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="streams of 200 orders (default 10,000)")
    parser.add_argument("--seed", type=int, default=1, help="of the streams (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
