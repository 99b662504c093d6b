"""Seeded generators of sample tables, one per use case, with known and documented patterns."""

from fraud_detection_api.samples.card_transactions import card_transactions
from fraud_detection_api.samples.credit_accounts import credit_accounts
from fraud_detection_api.samples.orders import orders
from fraud_detection_api.samples.platform_activity import platform_activity
from fraud_detection_api.samples.purchases import purchases
from fraud_detection_api.samples.sample_table import SampleMaker

DEFAULT_SEED = 1

SAMPLES: dict[str, SampleMaker] = {
    "credit_accounts": SampleMaker(credit_accounts, rows=50_000),
    "card_transactions": SampleMaker(card_transactions, rows=100_000),
    "platform_activity": SampleMaker(platform_activity, rows=64_227),
    "purchases": SampleMaker(purchases, rows=100_000),
    "orders": SampleMaker(orders, rows=100_000),
}
