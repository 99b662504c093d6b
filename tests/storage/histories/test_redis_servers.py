"""Redis in its other shapes: behind TLS and a password, with a database's number, and as a cluster."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from fraud_detection_api.history_errors import HistoriesAway, HistoriesUnusable
from fraud_detection_api.storage.histories.known import store_of
from fraud_detection_api.storage.histories.options import HistoryOptions
from fraud_detection_api.storage.histories.redis_servers import slot_of
from tests.running_service import eventually
from tests.storage.histories.private_redis import PrivateRedis, private_redis
from tests.storage.histories.records import arrivals, entry, once_it_is_back, started

CLUSTERED = ("--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")
SECRET = "a s3cret/@:"  # noqa: S105 - nobody's


def counts(url: str, *keys: int) -> list[int]:
    """How many entries the keys have, before one more is added."""

    async def run() -> list[int]:
        async with started(store_of(HistoryOptions(url, timeout_seconds=20))) as store:
            known = (await store.remember([arrivals(*((key, entry(key)) for key in keys))]))[0]
            return [int(end) for end in known.unpacked.ends]

    return asyncio.run(run())


def test_a_password_is_given_and_never_shown() -> None:
    quoted = "a%20s3cret%2F%40%3A"
    with private_redis("--requirepass", SECRET, url=f"redis://:{quoted}@127.0.0.1:{{port}}") as server:
        assert counts(server.url, 1) == [0]
        assert counts(server.url.replace(":a%20", "default:a%20"), 1) == [1]
        assert "s3cret" not in repr(HistoryOptions(server.url))
        for wrong in (server.url.replace("s3cret", "other"), f"redis://127.0.0.1:{server.port}"):
            with pytest.raises(HistoriesUnusable) as caught:
                counts(wrong, 1)
            assert "other" not in str(caught.value)


def test_a_user_without_a_password_is_named_all_the_same() -> None:
    with private_redis() as server:
        server.ask("ACL", "SETUSER", "scorer", "on", "nopass", "~*", "+@all")
        server.ask("ACL", "SETUSER", "default", "-evalsha")
        assert [counts(f"redis://scorer@127.0.0.1:{server.port}", 1) for _ in range(2)] == [[0], [1]]


def test_a_server_that_quotes_what_it_does_not_know_gives_no_password_away() -> None:
    with private_redis("--rename-command", "AUTH", "ENTER", url="redis://:s3cret@127.0.0.1:{port}") as server:
        assert "s3cret" in str(server.ask("AUTH", "s3cret"))
        with pytest.raises(HistoriesUnusable, match="unknown command 'AUTH'") as caught:
            counts(server.url, 1)
        assert "s3cret" not in str(caught.value)


def test_a_database_has_its_number(redis: PrivateRedis) -> None:
    redis.ask("FLUSHALL")
    assert counts(f"{redis.url}/3", 1) == [0]
    assert redis.ask("DBSIZE") == 0
    assert counts(f"{redis.url}/3", 1) == [1]
    with pytest.raises(HistoriesUnusable, match="out of range"):
        counts(f"{redis.url}/99", 1)


def certificate(folder: Path) -> list[str]:
    """A certificate of the server's own, and where it and its key are."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run([*made, *files], check=True, capture_output=True)
    return ["--tls-cert-file", f"{folder}/cert.pem", "--tls-key-file", f"{folder}/key.pem", "--tls-auth-clients", "no"]


def test_tls_is_spoken_with_a_server_that_is_trusted_and_with_no_other(tmp_path: Path) -> None:
    settings = ("--tls-port", "{port}", *certificate(tmp_path))
    with private_redis(*settings, url="rediss://127.0.0.1:{port}") as server:
        trusted = f"{server.url}?ssl_ca_certs={tmp_path}/cert.pem"
        assert counts(trusted, 1) == [0]
        assert counts(trusted, 1) == [1]
        with pytest.raises(HistoriesAway, match="certificate"):
            counts(server.url, 1)


@contextmanager
def cluster() -> Iterator[list[PrivateRedis]]:
    """Three servers that share the keys among them."""
    with ExitStack() as stack:
        servers = [stack.enter_context(private_redis(*CLUSTERED)) for _ in range(3)]
        places = [f"127.0.0.1:{server.port}" for server in servers]
        command = ["redis-cli", "--cluster", "create", *places, "--cluster-yes"]
        subprocess.run(command, check=True, capture_output=True)
        for server in servers:
            eventually(partial(is_ready, server))
        yield servers


def is_ready(server: PrivateRedis) -> bool:
    """Whether it knows who has which keys."""
    return b"cluster_state:ok" in text(server, "CLUSTER", "INFO")


def text(server: PrivateRedis, *words: str) -> bytes:
    """A reply that is a text."""
    found = server.ask(*words)
    assert isinstance(found, bytes)
    return found


def test_a_cluster_is_asked_where_the_keys_are_also_after_they_moved() -> None:
    keys = range(60)
    with cluster() as servers:
        url = servers[0].url

        async def run() -> None:
            async with started(store_of(HistoryOptions(url, timeout_seconds=20))) as store:
                first = await store.remember([arrivals(*((key, entry(key)) for key in keys))])
                assert first[0].unpacked.ends.tolist() == [0] * 60
                assert all(len(server.packed()) > 9 for server in servers)
                for server in servers[1:]:
                    move(next(iter(server.packed())), server, servers[0])
                second = await store.remember([arrivals(*((key, entry(key + 100, 1)) for key in keys))])
                assert second[0].unpacked.ends.tolist() == list(range(1, 61))
                third = await store.remember([arrivals(*((key, entry(key + 200, 2)) for key in keys))])
                assert third[0].unpacked.ends.tolist() == list(range(2, 121, 2))

        asyncio.run(run())
        assert sum(len(server.packed()) for server in servers) == 60


def move(key: bytes, server: PrivateRedis, other: PrivateRedis) -> None:
    """All keys of a key's place in the cluster to another server, as its administrator would."""
    slot = slot_of(key)
    names = {each: text(each, "CLUSTER", "MYID") for each in (server, other)}
    assert other.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[server]) == b"OK"
    assert server.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[other]) == b"OK"
    assert server.ask("MIGRATE", "127.0.0.1", other.port, key, 0, 5000) == b"OK"
    for each in (other, server):
        assert each.ask("CLUSTER", "SETSLOT", slot, "NODE", names[other]) == b"OK"


def test_a_cluster_goes_on_with_a_replica_where_a_server_dies() -> None:
    """Not before the replica has taken over: until then, whoever asks for its keys is told that they are away."""
    with cluster() as servers, private_redis(*CLUSTERED) as replica:
        master = servers[2]
        name = text(master, "CLUSTER", "MYID")
        replica.ask("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        eventually(lambda: name in text(replica, "CLUSTER", "NODES"))
        assert replica.ask("CLUSTER", "REPLICATE", name) == b"OK"
        eventually(lambda: b"master_link_status:up" in text(replica, "INFO", "replication"))

        async def run() -> list[int]:
            async with started(store_of(HistoryOptions(servers[0].url, timeout_seconds=20))) as store:
                await store.remember([arrivals(*((key, entry(key)) for key in range(30)))])
                eventually(lambda: replica.ask("DBSIZE") == master.ask("DBSIZE"))  # a server does not wait for it
                master.stop()
                assert replica.ask("CLUSTER", "FAILOVER", "TAKEOVER") == b"OK"
                return await once_it_is_back(store, [arrivals(*((key, entry(key + 100, 1)) for key in range(30)))])

        found = asyncio.run(run())
        assert len(found) == 30
        assert set(found) <= {1, 2}  # 2: it was remembered before others of the same request failed


def test_a_key_that_is_on_its_way_is_found_on_either_side() -> None:
    with cluster() as servers:

        async def run() -> list[int]:
            async with started(store_of(HistoryOptions(servers[0].url, timeout_seconds=20))) as store:
                await store.remember([arrivals(*((key, entry(key)) for key in range(20)))])
                server, other = servers[1], servers[2]
                key = next(iter(server.packed()))
                names = {each: text(each, "CLUSTER", "MYID") for each in servers}
                other.ask("CLUSTER", "SETSLOT", slot_of(key), "IMPORTING", names[server])
                server.ask("CLUSTER", "SETSLOT", slot_of(key), "MIGRATING", names[other])
                assert server.ask("MIGRATE", "127.0.0.1", other.port, key, 0, 5000) == b"OK"
                known = await store.remember([arrivals(*((key, entry(key + 100, 1)) for key in range(20)))])
                return [int(end) for end in known[0].unpacked.ends]

        assert asyncio.run(run()) == list(range(1, 21))


def test_places_in_a_cluster_are_those_of_redis() -> None:
    with private_redis("--cluster-enabled", "yes") as server:
        for key in (b"fraud:orders:customer:\x00\xff{}ab", b"a{b}c", b"{}a", b"a{bc", b"a}b{c}d}", b"", b"{{a}}"):
            assert slot_of(key) == server.ask("CLUSTER", "KEYSLOT", key)


@pytest.mark.parametrize(
    "url", ["http://host", "redis://", "redis://host/many", "redis://host:70000", "redis://host?db=1", "", "Memory"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(HistoriesUnusable, match="FRAUD_HISTORIES"):
        HistoryOptions(url)
