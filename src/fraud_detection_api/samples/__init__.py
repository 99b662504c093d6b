"""Seeded generators of sample tables, one per use case, with known and documented fraud patterns."""

from collections.abc import Callable

from fraud_detection_api.samples.credit_accounts import credit_accounts
from fraud_detection_api.samples.sample_table import SampleTable

DEFAULT_ROWS, DEFAULT_SEED = 50_000, 1

SAMPLES: dict[str, Callable[[int, int], SampleTable]] = {"credit_accounts": credit_accounts}
