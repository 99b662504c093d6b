"""Sample orders: seeded files of a month each, with frauds that histories of customers, e-mails and addresses show.

By default 12 files of 100,000 orders, of 10,000 customers with as many e-mails and IP addresses. A file is made of the
seed and its number alone, so that files are made in any order and anywhere. Each e-mail belongs to one customer and
has one home address; customers usually spend very different amounts (log-normal, median 40). No amount is above 1,000.

Honest orders are noisy. 10 % come from another address than home, half of those from hotspots that thieves use, too; 1
in 200 has a new e-mail; 1 in 67 is 3 to 10 times as large as usual. 2.5 % come in sprees of hours, 1.2 % are small
purchases within minutes, 2 % are of newcomers, a quarter of whom are at networks that many share, and one day a month
is a sales day. 1.44 % of the orders are suspicious. Each episode has a boldness b from N(0, 1), and its orders have
these log-odds of fraud:

    stolen card     3 to 9 tests of up to 5 within minutes, then large orders of about e^(1.3 + 0.45 b) times the usual,
                    7 of 10 from a strange address: 0.8 + 1.3 b, 0.7 more if large, 3 less for the first, 1 the second
    taken over      new address and new e-mail, orders of about e^(1.1 + 0.5 b) times the usual: 1.1 + 1.4 b
    ring            fresh customers and e-mails, 6 and more, at up to three fresh addresses, orders of about 130 e^(b/2)
                    within 2 to 10 days: 0.9 + 1.3 b, 2.5 less for the first three

Bolder thieves also test more often and sooner, and bolder rings are larger. All other orders are frauds with a
probability of 0.0007, which nothing tells apart. Probabilities are whole ten-thousandths, so that counts of them say
all that is to be known of many files; a coin with that probability makes is_fraud: about 1 % are frauds, and the best
possible average precision is known: 0.825 for the default 12 files and seed 1.

received_at is when an order arrived: 80 % within seconds, the others minutes to days late, 1 % 10 to 40 days late.
label_known_at is when its label was known: that of a fraud after a median of 10 days and 60 at most, that of all others
after 30 days. Some labels were wrong at first: 3 % of the frauds were taken for honest, and 1 honest order in 1,000 for
a fraud. Their rows hold the right label, and label_known_at is when it was put right, 5 to 45 days after the wrong one.
"""

import numpy as np
from numpy.typing import NDArray

from fraud_detection_api.samples.order_episodes import (
    DAY,
    HOUR,
    LARGEST_AMOUNT,
    SMALLEST_AMOUNT,
    Drafts,
    Fresh,
    Month,
    month_of_orders,
)
from fraud_detection_api.samples.order_population import (
    Codes,
    Floats,
    OrderSettings,
    Places,
    address_texts,
    email_texts,
    places_of,
    population,
)
from fraud_detection_api.samples.sample_table import LabelledSample, SampleColumns, expected_average_precision

FIRST_MONTH = np.datetime64("2024-01", "M")
ORDERS_OF_A_CUSTOMER = 120  # in the 12 months of the default
SMALLEST_PART = 10_000  # probabilities are whole ten-thousandths
SALES_DAY = 3.0  # as busy as other days
SETTLED_AFTER, LATEST_REPORT, LATEST_ARRIVAL = 30 * DAY, 60 * DAY, 40 * DAY

Moments = NDArray[np.datetime64]


def orders(rows: int, seed: int) -> LabelledSample:
    """That many orders of twelve months, about 10 a month of each customer; the same seed gives the same table."""
    few = max(1, rows // ORDERS_OF_A_CUSTOMER)
    settings = OrderSettings(orders_a_file=-(-rows // 12), customers=few, emails=few, addresses=few)
    files = [orders_file(number, settings, seed) for number in range(settings.files)]
    columns = {name: np.concatenate([file.columns[name] for file in files])[:rows] for name in files[0].columns}
    return LabelledSample(columns, np.concatenate([file.probabilities for file in files])[:rows])


def orders_file(number: int, settings: OrderSettings, seed: int) -> LabelledSample:
    """The file of that number from 0, in the order of its orders' times; it depends on no other file."""
    random = np.random.default_rng((seed, 2, number))
    start = FIRST_MONTH + number
    month = _month(random, number, settings, seed)
    drafts = month_of_orders(month, settings.orders_a_file)
    probabilities = _probabilities(drafts.log_odds)
    is_fraud = random.random(len(drafts)) < probabilities
    order_dates = start.astype("datetime64[ms]") + drafts.moments.astype(np.int64)
    columns = {
        "order_id": 1 + number * settings.orders_a_file + np.arange(len(drafts)),
        "order_date": order_dates,
        "customer_id": 1 + drafts.customers,
        **_texts(month, drafts, seed),
        "order_amount": drafts.amounts.clip(SMALLEST_AMOUNT, LARGEST_AMOUNT).round(2),
        **_places(month, drafts.addresses),
        "received_at": order_dates + _lateness(random, len(drafts)),
        "is_fraud": is_fraud.astype(np.int64),
        "label_known_at": order_dates + _time_to_label(random, is_fraud),
    }
    return LabelledSample(columns, probabilities)


def probability_counts(sample: LabelledSample) -> NDArray[np.int64]:
    """How many orders have a probability of so many ten-thousandths; counts of several files are added up."""
    return np.bincount(np.rint(sample.probabilities * SMALLEST_PART).astype(np.int64), minlength=SMALLEST_PART + 1)


def best_average_precision(counts: NDArray[np.int64]) -> float:
    """The average precision to expect of the true probabilities on orders with these counts of them."""
    return expected_average_precision(np.arange(SMALLEST_PART + 1) / SMALLEST_PART, counts)


def _month(random: np.random.Generator, number: int, settings: OrderSettings, seed: int) -> Month:
    start = FIRST_MONTH + number
    days = int(((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64))
    others = number * settings.orders_a_file  # of each file, more than it has of anything
    return Month(
        random=random,
        people=population(settings, seed),
        milliseconds=round(days * DAY),
        busy_up_to=_busy_up_to(random, days),
        new_address_share=settings.new_address_share,
        customers=Fresh(settings.customers + others),
        emails=Fresh(settings.emails + others),
        addresses=Fresh(settings.addresses + others),
    )


def _busy_up_to(random: np.random.Generator, days: int) -> Floats:
    """Few order at four at night, most in the evening, and one day is a sales day."""
    hours = 0.55 - 0.45 * np.cos(2 * np.pi * (np.arange(24) - 4) / 24)
    by_day = np.ones(days)
    by_day[random.integers(days)] = SALES_DAY
    reached: Floats = np.cumsum(np.outer(by_day, hours))
    busy: Floats = reached / reached[-1]
    return busy


def _probabilities(log_odds: Floats) -> Floats:
    return np.maximum(np.rint(SMALLEST_PART / (1 + np.exp(-log_odds))), 1) / SMALLEST_PART


def _texts(month: Month, drafts: Drafts, seed: int) -> SampleColumns:
    """Each text is one object, however many orders have it."""
    fresh_emails, fresh_addresses = (
        np.arange(each.first, each.first + each.count) for each in (month.emails, month.addresses)
    )
    emails = np.concatenate([month.people.email_texts, email_texts(fresh_emails, seed)])
    addresses = np.concatenate([month.people.address_texts, address_texts(fresh_addresses, seed)])
    return {
        "email": emails[_rows(drafts.emails, month.emails, len(month.people.email_texts))],
        "ip_addr": addresses[_rows(drafts.addresses, month.addresses, len(month.people.address_texts))],
    }


def _places(month: Month, addresses: Codes) -> SampleColumns:
    fresh = places_of(month.random, month.people.centres, month.addresses.count)
    rows = _rows(addresses, month.addresses, len(month.people.address_texts))
    known: Places = month.people.places
    return {
        "location_lat": np.concatenate([known.latitudes, fresh.latitudes])[rows],
        "location_long": np.concatenate([known.longitudes, fresh.longitudes])[rows],
    }


def _rows(codes: Codes, fresh: Fresh, known: int) -> Codes:
    """Where numbers stand in a list of those that every file knows and those that this file alone knows."""
    return np.where(codes < known, codes, codes - fresh.first + known)


def _lateness(random: np.random.Generator, size: int) -> NDArray[np.timedelta64]:
    how, spread = random.random(size), random.standard_normal(size)
    late = np.where(how < 0.2, 2 * HOUR * np.exp(1.5 * spread), 800 * np.exp(0.5 * spread))
    late = np.where(how < 0.01, random.uniform(0.25, 1, size) * LATEST_ARRIVAL, late)
    return _whole(np.minimum(late, LATEST_ARRIVAL))


def _time_to_label(random: np.random.Generator, is_fraud: NDArray[np.bool_]) -> NDArray[np.timedelta64]:
    size = len(is_fraud)
    reported = np.minimum(10 * DAY * np.exp(0.65 * random.standard_normal(size)), LATEST_REPORT)
    is_corrected = random.random(size) < np.where(is_fraud, 0.03, 0.001)
    first_known = np.where(is_fraud ^ is_corrected, reported, SETTLED_AFTER)
    return _whole(first_known + is_corrected * random.uniform(5, 45, size) * DAY)


def _whole(milliseconds: Floats) -> NDArray[np.timedelta64]:
    return milliseconds.astype(np.int64).astype("timedelta64[ms]")
