"""What happens in a month of orders: ordinary orders, habits that only look like fraud, and three kinds of fraud.

The docstring of `samples.orders` says what each of them is.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.samples.order_population import Codes, Floats, Population, usual_amounts

SMALLEST_AMOUNT, LARGEST_AMOUNT = 0.5, 1000.0
MINUTE, HOUR, DAY = 60_000.0, 3_600_000.0, 86_400_000.0
AS_LIKELY_AS_ANY = float(np.log(0.0007 / 0.9993))  # the log-odds of fraud that nothing tells apart


class Fresh:
    """Numbers that nobody has yet: of customers, e-mails or addresses that this file alone knows."""

    def __init__(self, first: int) -> None:
        self.first = self._next = first

    @property
    def count(self) -> int:
        """How many have been taken."""
        return self._next - self.first

    def take(self, size: int) -> Codes:
        """The next so many."""
        self._next += size
        return np.arange(self._next - size, self._next)


@dataclass(frozen=True)
class Month:
    """What a file is made of: chance, who orders, how long it lasts, and when people order."""

    random: np.random.Generator
    people: Population
    milliseconds: int
    busy_up_to: Floats  # the share of the month's orders that come up to the end of each of its hours
    new_address_share: float
    customers: Fresh
    emails: Fresh
    addresses: Fresh

    def moments(self, size: int) -> Floats:
        """Times of ordinary orders, in milliseconds since the month began."""
        hours = np.searchsorted(self.busy_up_to, self.random.random(size), side="right")
        return (np.minimum(hours, len(self.busy_up_to) - 1) + self.random.random(size)) * HOUR

    def known_emails(self, size: int) -> Codes:
        """E-mails of known customers, busy ones more often."""
        drawn = np.searchsorted(self.people.orders_up_to, self.random.random(size), side="right")
        return np.minimum(drawn, len(self.people.owners) - 1)

    def strange_addresses(self, size: int) -> Codes:
        """Where travellers and thieves are: half of them at hotspots, a third anywhere, the others where nobody was."""
        drawn, people = self.random.random(size), self.people
        hotspots = people.networks + self.random.integers(0, max(people.hotspots, 1), size)
        anywhere = self.random.integers(0, len(people.places.latitudes), size)
        codes = np.where(drawn < 0.5, np.minimum(hotspots, len(people.places.latitudes) - 1), anywhere)
        is_fresh = drawn >= 5 / 6
        codes[is_fresh] = self.addresses.take(int(np.count_nonzero(is_fresh)))
        return codes

    def away_or(self, homes: Codes, share: float) -> Codes:
        """These addresses, but for a share that is strange."""
        codes, is_away = homes.copy(), self.random.random(len(homes)) < share
        codes[is_away] = self.strange_addresses(int(np.count_nonzero(is_away)))
        return codes

    def spread(self, size: int, deviation: float) -> Floats:
        """Factors around 1."""
        return np.exp(deviation * self.random.standard_normal(size))

    def gaps(self, size: int, mean: float | Floats) -> Floats:
        """Times between orders."""
        return self.random.exponential(mean, size)


@dataclass(frozen=True)
class Drafts:
    """Orders to be: customers, e-mails, addresses by number, milliseconds since the month began, log-odds of fraud."""

    customers: Codes
    emails: Codes
    addresses: Codes
    moments: Floats
    amounts: Floats
    log_odds: Floats

    def __len__(self) -> int:
        return len(self.moments)

    def take(self, rows: slice | NDArray[np.intp]) -> "Drafts":
        """These orders in this order."""
        return Drafts(*(getattr(self, each.name)[rows] for each in fields(self)))


def joined(parts: list[Drafts]) -> Drafts:
    """The orders of all parts, one part after the other."""
    return Drafts(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Drafts)))


@dataclass(frozen=True)
class Episodes:
    """Orders that belong together: which episode each is of, and its place in it."""

    month: Month
    sizes: Codes
    of: Codes
    places: Codes

    @classmethod
    def of_sizes(cls, month: Month, sizes: Codes) -> "Episodes":
        """Episodes of so many orders each."""
        of = np.repeat(np.arange(len(sizes)), sizes)
        return cls(month, sizes, of, np.arange(len(of)) - (np.cumsum(sizes) - sizes)[of])

    def moments(self, gaps: Floats, starts: Floats) -> Floats:
        """When the orders come, with these gaps before each; what would end after the month comes sooner as a whole."""
        passed = np.cumsum(np.where(self.places == 0, 0, gaps))
        ends = np.cumsum(self.sizes)
        before = passed[ends - self.sizes]
        lengths = passed[ends - 1] - before
        room = self.month.milliseconds - 1.0
        pace = np.minimum(1, 0.9 * room / np.maximum(lengths, 1))
        firsts = np.minimum(starts, room - pace * lengths)
        moments: Floats = np.minimum(firsts[self.of] + pace[self.of] * (passed - before[self.of]), room)
        return moments

    def at_any_time(self, gaps: Floats) -> Floats:
        """When the orders of thieves come, who keep no hours."""
        return self.moments(gaps, self.month.random.random(len(self.sizes)) * self.month.milliseconds)


def ordinary(month: Month, rows: int) -> Drafts:
    """Known customers; a share of them away, some with a new e-mail, some who treat themselves."""
    people, emails = month.people, month.known_emails(rows)
    customers, has_new_email = people.owners[emails], month.random.random(rows) < 0.005
    addresses = month.away_or(people.homes[emails], month.new_address_share)
    emails[has_new_email] = month.emails.take(int(np.count_nonzero(has_new_email)))
    is_treat = month.random.random(rows) < 0.015
    factors = month.spread(rows, 0.5) * np.where(is_treat, month.random.uniform(3, 10, rows), 1)
    return _harmless(customers, emails, addresses, month.moments(rows), people.usual_amounts[customers] * factors)


def newcomers(month: Month, count: int) -> Drafts:
    """Honest new customers with one to three orders; a quarter of them share a network with many others."""
    episodes = Episodes.of_sizes(month, month.random.integers(1, 4, count))
    people = month.people
    homes = month.random.integers(people.networks, len(people.places.latitudes) + 1, count) - 1
    homes = np.where(month.random.random(count) < 0.25, month.random.integers(0, people.networks, count), homes)
    homes, of = month.away_or(homes, 0.3), episodes.of
    moments = episodes.moments(month.gaps(len(of), 5 * DAY), month.moments(count))
    amounts = usual_amounts(month.random, count)[of] * month.spread(len(of), 0.5)
    return _harmless(month.customers.take(count)[of], month.emails.take(count)[of], homes[of], moments, amounts)


def small_purchases(month: Month, count: int) -> Drafts:
    """Two to six small honest orders within minutes, as of those who buy songs one by one."""
    episodes = Episodes.of_sizes(month, month.random.integers(2, 7, count))
    emails, size = month.known_emails(count), len(episodes.of)
    moments = episodes.moments(month.gaps(size, 8 * MINUTE), month.moments(count))
    return _of_known(episodes, emails, month.new_address_share, moments, month.random.uniform(0.5, 12, size))


def sprees(month: Month, count: int) -> Drafts:
    """Three to seven honest orders within hours, each as usual."""
    episodes = Episodes.of_sizes(month, month.random.integers(3, 8, count))
    emails, size = month.known_emails(count), len(episodes.of)
    usual = month.people.usual_amounts[month.people.owners[emails]][episodes.of]
    moments = episodes.moments(month.gaps(size, 40 * MINUTE), month.moments(count))
    return _of_known(episodes, emails, month.new_address_share, moments, usual * month.spread(size, 0.5))


def stolen_cards(month: Month, count: int) -> Drafts:
    """A card is tested with small amounts, then emptied with large ones."""
    random, people = month.random, month.people
    boldness = random.standard_normal(count)
    tests = 3 + np.minimum(random.poisson(1.5 * np.exp(0.4 * boldness)), 6)
    episodes = Episodes.of_sizes(month, tests + 1 + random.poisson(1.5, count))
    of, size = episodes.of, len(episodes.of)
    is_test, bold = episodes.places < tests[of], boldness[of]
    gaps = month.gaps(size, np.where(is_test, 4 * np.exp(-0.5 * bold), 25) * MINUTE)
    emails = month.known_emails(count)
    customers = people.owners[emails]
    large = people.usual_amounts[customers][of] * np.exp(1.3 + 0.45 * bold) * month.spread(size, 0.25)
    amounts = np.where(is_test, random.uniform(0.5, 5, size), large)
    log_odds = 0.8 + 1.3 * bold - 3.0 * (episodes.places == 0) - 1.0 * (episodes.places == 1) + 0.7 * ~is_test
    addresses = month.away_or(people.homes[emails], 0.7)[of]
    return Drafts(customers[of], emails[of], addresses, episodes.at_any_time(gaps), amounts, log_odds)


def takeovers(month: Month, count: int) -> Drafts:
    """An account taken over: a new address and a new e-mail, then orders far above what its owner spends."""
    people, boldness = month.people, month.random.standard_normal(count)
    episodes = Episodes.of_sizes(month, 2 + month.random.poisson(1.5, count))
    of, size = episodes.of, len(episodes.of)
    customers = people.owners[month.known_emails(count)]
    amounts = people.usual_amounts[customers][of] * np.exp(1.1 + 0.5 * boldness[of]) * month.spread(size, 0.25)
    addresses, moments = month.strange_addresses(count)[of], episodes.at_any_time(month.gaps(size, 8 * HOUR))
    emails = month.emails.take(count)[of]
    return Drafts(customers[of], emails, addresses, moments, amounts, 1.1 + 1.4 * boldness[of])


def rings(month: Month, count: int) -> Drafts:
    """Many fresh customers with fresh e-mails, who share up to three addresses and spend much."""
    random, boldness = month.random, month.random.standard_normal(count)
    members = 6 + random.poisson(10 * np.exp(0.3 * boldness))
    episodes = Episodes.of_sizes(month, members + members // 2)
    of, size = episodes.of, len(episodes.of)
    who = (np.cumsum(members) - members)[of] + (random.random(size) * members[of]).astype(np.int64)
    shared = month.addresses.take(3 * count).reshape(count, 3)
    where = (who % random.integers(1, 4, count)[of]).astype(np.int64)
    days = random.uniform(2, 10, count)[of]
    moments = episodes.at_any_time(month.gaps(size, days * DAY / episodes.sizes[of]))
    amounts = 130 * np.exp(0.5 * boldness[of]) * month.spread(size, 0.4)
    log_odds = 0.9 + 1.3 * boldness[of] - 2.5 * (episodes.places < 3)
    customers, emails = (fresh.take(int(members.sum()))[who] for fresh in (month.customers, month.emails))
    return Drafts(customers, emails, shared[of, where], moments, amounts, log_odds)


@dataclass(frozen=True)
class Pattern:
    """A kind of episode: how many of its orders there are among all, and how many it has on average."""

    make: Callable[[Month, int], Drafts]
    share: float
    mean_size: float


PATTERNS = (
    Pattern(stolen_cards, 0.0055, 7.15),
    Pattern(takeovers, 0.0037, 3.5),
    Pattern(rings, 0.0052, 24.0),
    Pattern(newcomers, 0.0200, 2.0),
    Pattern(small_purchases, 0.0120, 4.0),
    Pattern(sprees, 0.0250, 5.0),
)


def month_of_orders(month: Month, rows: int) -> Drafts:
    """So many orders in the order of their times."""
    expected = [rows * each.share / each.mean_size for each in PATTERNS]
    counts = np.floor(expected + month.random.random(len(PATTERNS))).astype(int).tolist()
    episodes = joined([each.make(month, count) for each, count in zip(PATTERNS, counts, strict=True)])
    drafts = joined([episodes.take(slice(rows)), ordinary(month, max(rows - len(episodes), 0))])
    return drafts.take(np.argsort(drafts.moments, kind="stable"))


def _harmless(customers: Codes, emails: Codes, addresses: Codes, moments: Floats, amounts: Floats) -> Drafts:
    return Drafts(customers, emails, addresses, moments, amounts, np.full(len(moments), AS_LIKELY_AS_ANY))


def _of_known(episodes: Episodes, emails: Codes, away: float, moments: Floats, amounts: Floats) -> Drafts:
    people, of = episodes.month.people, episodes.of
    addresses = episodes.month.away_or(people.homes[emails], away)
    return _harmless(people.owners[emails][of], emails[of], addresses[of], moments, amounts)
