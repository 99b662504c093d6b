"""Requests as a long day brings them: small, large and wrong ones, mixed by chance."""

import http.client
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.load import Invalid
from benchmarks.sample_model import body_of, sample_accounts
from benchmarks.servers import HOST, PATH, Server

CLIENTS = 8
SIZES = ((1, 88.0), (100, 9.0), (10_000, 1.0))
WRONG = 2.0


@dataclass(frozen=True)
class Post:
    """A body, how often it comes, and the status that answers it."""

    body: bytes
    weight: float
    status: int


def mixed_posts() -> list[Post]:
    """Right bodies of three sizes, and wrong ones of many kinds."""
    right = [Post(body_of(sample_accounts(size, seed=size)), weight, 200) for size, weight in SIZES]
    one, many = right[0].body, right[-1].body
    wrong = [
        b"[{",
        b'{"customer_id": 1}',
        b"[1, 2]",
        one.replace(b'"total_balance":', b'"total_balance":"much",'),
        one.replace(b'"total_balance":', b'"balance":'),
        one.replace(b'"number_of_accounts_in_arrears":', b'"number_of_accounts_in_arrears":9'),
        one.replace(b'"total_credit_limit":', b'"total_credit_limit":-'),
        many[:-1] + b',{"customer_id": null}]',
    ]
    return right + [Post(body, WRONG / len(wrong), 422) for body in wrong]


def send(server: Server, posts: Sequence[Post], requests: int, seed: int) -> None:
    """Send so many requests from a few clients at once; refuses to go on after an answer of another status."""
    drawn = random.Random(seed).choices(posts, [post.weight for post in posts], k=requests)
    with ThreadPoolExecutor(CLIENTS) as clients:
        for done in [clients.submit(_send_all, server, drawn[client::CLIENTS]) for client in range(CLIENTS)]:
            done.result()


def _send_all(server: Server, posts: Sequence[Post]) -> None:
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    for post in posts:
        connection.request("POST", PATH, post.body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        if response.status != post.status:
            raise Invalid(f"{server.name} answered {response.status} to {post.body[:200]!r}")
    connection.close()
