"""A fair queue: pieces one at a time, first come first served; what nobody waits for is not begun."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fraud_detection_api.services.fair_queue import Abandoned, FairQueue, awaited


def test_a_piece_that_nobody_waits_for_is_not_begun_and_leaves_the_slot_to_others() -> None:
    queue, begun = FairQueue(), list[str]()

    def piece(name: str) -> None:
        with queue.slot():
            begun.append(name)

    with awaited() as context:
        context.run(piece, "waited for")
    with pytest.raises(Abandoned):
        context.run(piece, "abandoned")
    piece("another")
    assert begun == ["waited for", "another"]


def test_abandoning_reaches_the_thread_that_works() -> None:
    queue, begun, left = FairQueue(), threading.Event(), threading.Event()

    def work() -> None:
        with queue.slot():
            begun.set()
            left.wait()
        with queue.slot():
            raise AssertionError("nobody waits for this piece")

    with ThreadPoolExecutor(1) as pool:
        with awaited() as context:
            working = pool.submit(context.run, work)
            begun.wait()
        left.set()
        with pytest.raises(Abandoned):
            working.result()


def test_a_short_work_gets_in_between_the_pieces_of_a_long_one() -> None:
    queue, order, begun, asked = FairQueue(), list[str](), threading.Event(), threading.Event()

    def long() -> None:
        for _ in range(50):
            with queue.slot():
                order.append("long")
                begun.set()
                asked.wait()

    def short() -> None:
        asked.set()
        with queue.slot():
            order.append("short")

    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(long)
        begun.wait()
        pool.submit(short).result()
        working.result()
    assert order.count("long") == 50
    assert order.index("short") < 49


def test_pieces_of_several_threads_do_not_overlap() -> None:
    queue, inside = FairQueue(), list[int]()

    def work(number: int) -> None:
        for _ in range(20):
            with queue.slot():
                inside.append(number)
                time.sleep(0.0005)
                assert inside == [number]
                inside.pop()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [None] * 4


def test_a_thread_that_waits_for_the_interpreter_gets_it_between_pieces() -> None:
    """Pieces of a bit less than the 5 ms after which it asks, each of which gives the interpreter up for an instant."""
    queue, turns, ended = FairQueue(), 0, threading.Event()

    def work() -> None:
        for _ in range(60):
            with queue.slot():
                began = time.perf_counter()
                while time.perf_counter() - began < 0.004:
                    pass
                _ = np.ones(2_000) + 1
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not ended.wait(0.0001):
        turns += 1
    thread.join()
    assert turns > 30
