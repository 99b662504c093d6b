"""Who orders: customers with e-mails, home addresses and usual amounts, the same in every file of a seed."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.errors import DataRefused

NETWORKS, HOTSPOTS = 0.002, 0.05  # of the known addresses: where many people live or work, and where travellers are
AT_A_NETWORK = 0.05  # of the e-mails
USUAL_AMOUNT, DIFFERENCE = 40.0, 0.9  # the median, and how much customers differ, as the deviation of the logarithm
PLACES = 50
ADDRESS_BITS, EMAIL_BITS = 28, 40
FIRST_ADDRESS = 240 << 24  # 240.0.0.0/4 is reserved: nobody has one of these addresses

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class OrderSettings:
    """How many of everything: files of a month each, orders in a file, and who orders; by default 1.2 M orders."""

    files: int = 12
    orders_a_file: int = 100_000
    customers: int = 10_000
    emails: int = 10_000
    addresses: int = 10_000
    new_address_share: float = 0.1  # of the orders of known customers

    def __post_init__(self) -> None:
        least = min(self.files, self.orders_a_file + 1, self.customers, self.emails, self.addresses)
        if least < 1 or not 0 <= self.new_address_share <= 1:
            raise DataRefused(
                f"Sample orders need files, customers, e-mails and addresses, and shares up to 1: {self}."
            )
        if self.addresses + self.files * self.orders_a_file > 1 << ADDRESS_BITS:
            raise DataRefused(f"Sample orders can have {1 << ADDRESS_BITS:,} addresses at most: make fewer of them.")


@dataclass(frozen=True)
class Places:
    """Where addresses are, in degrees."""

    latitudes: Floats
    longitudes: Floats


@dataclass(frozen=True)
class Population:
    """Customers, e-mails and addresses by their numbers from 0: who owns an e-mail, where it is at home, how it buys.

    Of the addresses the first are networks, then come hotspots; the others are homes.
    """

    owners: Codes  # of e-mails
    homes: Codes  # of e-mails
    usual_amounts: Floats  # of customers
    orders_up_to: Floats  # the share of all orders that come from this e-mail or one before it
    networks: int
    hotspots: int
    centres: Places
    places: Places  # of addresses
    email_texts: Texts
    address_texts: Texts


@lru_cache(maxsize=2)
def population(settings: OrderSettings, seed: int) -> Population:
    """The customers of all files; made once in a process."""
    random = np.random.default_rng((seed, 0))
    networks, hotspots = (max(1, round(share * settings.addresses)) for share in (NETWORKS, HOTSPOTS))
    networks, hotspots = min(networks, settings.addresses), min(hotspots, settings.addresses - networks)
    activity = random.gamma(2.0, size=settings.emails)
    centres = Places(random.uniform(37, 60, PLACES), random.uniform(-9, 28, PLACES))
    return Population(
        owners=random.permutation(settings.emails) % settings.customers,
        homes=_homes(random, settings, networks, hotspots),
        usual_amounts=usual_amounts(random, settings.customers),
        orders_up_to=np.cumsum(activity) / activity.sum(),
        networks=networks,
        hotspots=hotspots,
        centres=centres,
        places=places_of(random, centres, settings.addresses),
        email_texts=email_texts(np.arange(settings.emails), seed),
        address_texts=address_texts(np.arange(settings.addresses), seed),
    )


def usual_amounts(random: np.random.Generator, size: int) -> Floats:
    """What customers usually spend on an order: they differ a lot."""
    return USUAL_AMOUNT * np.exp(DIFFERENCE * random.standard_normal(size))


def places_of(random: np.random.Generator, centres: Places, size: int) -> Places:
    """Where so many addresses are: in and around a few towns."""
    towns = random.integers(0, PLACES, size)
    north, east = 0.3 * random.standard_normal((2, size))
    return Places((centres.latitudes[towns] + north).round(4), (centres.longitudes[towns] + east).round(4))


def email_texts(codes: Codes, seed: int) -> Texts:
    """E-mails by their numbers, each its own; which number an e-mail has does not show."""
    scattered = _scattered(codes, seed, EMAIL_BITS).tolist()
    return np.array([f"{number:010x}@example.org" for number in scattered], dtype=object)


def address_texts(codes: Codes, seed: int) -> Texts:
    """IP addresses by their numbers, each its own; which number an address has does not show."""
    numbers = (FIRST_ADDRESS + _scattered(codes, seed, ADDRESS_BITS)).tolist()
    texts = [f"{ip >> 24}.{ip >> 16 & 255}.{ip >> 8 & 255}.{ip & 255}" for ip in numbers]
    return np.array(texts, dtype=object)


def _homes(random: np.random.Generator, settings: OrderSettings, networks: int, hotspots: int) -> Codes:
    """Families share a home, and a network has many."""
    first = min(networks + hotspots, settings.addresses - 1)
    homes = random.integers(first, settings.addresses, settings.emails)
    at_a_network = random.random(settings.emails) < AT_A_NETWORK
    return np.where(at_a_network, random.integers(0, networks, settings.emails), homes)


def _scattered(codes: Codes, seed: int, bits: int) -> NDArray[np.uint64]:
    """Other numbers of so many bits, one for each: an odd factor maps them one to one."""
    shift = np.random.default_rng((seed, 1)).integers(0, 1 << bits, dtype=np.uint64)
    mixed = codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + shift
    return mixed & np.uint64((1 << bits) - 1)
