"""The table of engines: which schemes a URL may begin with, and the module that is imported on first use."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class KnownEngine:
    """What has to be known of an engine before SQLAlchemy is loaded."""

    module: str  # in this package; its class is named `DatabaseEngine`
    drivers: Mapping[str, str]  # a URL's scheme, and the same with the driver that the product brings
    extra: str = ""  # of the product, which installs the driver

    @property
    def schemes(self) -> tuple[str, ...]:
        """Everything that a URL may begin with."""
        return tuple(dict.fromkeys(name for pair in self.drivers.items() for name in pair))


ENGINES = (
    KnownEngine("sqlite", {"sqlite": "sqlite"}),
    KnownEngine("mysql", {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}, extra="mysql"),
    KnownEngine("postgresql", {"postgresql": "postgresql+psycopg"}, extra="postgres"),
)
DRIVERS = {scheme: driver for engine in ENGINES for scheme, driver in engine.drivers.items()}


def known_engine(scheme: str) -> KnownEngine | None:
    """The engine that a URL of this scheme is for."""
    return next((engine for engine in ENGINES if scheme in engine.schemes), None)
