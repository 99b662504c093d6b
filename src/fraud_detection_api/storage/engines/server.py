"""What servers have in common: one pool of connections for all their projects."""

from abc import abstractmethod
from collections.abc import Mapping

import sqlalchemy as sa
from loguru import logger
from sqlalchemy import event, exc
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from fraud_detection_api.errors import StoreUnusable
from fraud_detection_api.storage.engines.engine import Engine


class ServerEngine(Engine):
    """An engine that is reached over a network; a lock is waited for half as long as an answer."""

    def new_pool(self, project: str) -> sa.Engine:  # noqa: ARG002 - the URL is the same for all of them
        """Connections that are looked at before they are used, since a server may have been restarted."""
        try:
            engine = sa.create_engine(
                self.url,
                poolclass=QueuePool,
                pool_size=self.pool_size,
                max_overflow=0,
                pool_timeout=self.timeout_seconds,
                pool_pre_ping=True,
                isolation_level="READ COMMITTED",
                hide_parameters=True,
                connect_args=dict(self.options()),
            )
        except (exc.ArgumentError, ValueError):
            raise self._unknown_options() from None
        event.listen(engine, "do_connect", self._connected)
        return engine

    @abstractmethod
    def options(self) -> Mapping[str, object]:
        """What the driver is told of each connection, timeouts above all."""

    def connect(self, dialect: sa.Dialect, named: Mapping[str, object]) -> object:
        """A new connection of the driver."""
        return dialect.connect(**named)

    def _connected(
        self, dialect: sa.Dialect, _: ConnectionPoolEntry, __: list[str], named: dict[str, object]
    ) -> object:
        try:
            return self.connect(dialect, named)
        except (TypeError, ValueError, LookupError, dialect.loaded_dbapi.ProgrammingError):
            if self.url.query:
                raise self._unknown_options() from None
            raise

    def _unknown_options(self) -> StoreUnusable:
        # without the driver's words, which may quote the value of an option
        options = ", ".join(sorted(self.url.query))
        words = f"The store's driver cannot use the options of its URL: {options}. Correct FRAUD_STORE."
        logger.error("{}", words)
        return StoreUnusable(words)
