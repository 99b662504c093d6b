"""Which use cases there are: the built-in ones, and those that the settings name."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TypeVar

from fraud_detection_api.errors import UnknownUseCase, UseCaseInvalid
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.use_cases.card_transactions import CARD_TRANSACTIONS
from fraud_detection_api.use_cases.credit_accounts import CREDIT_ACCOUNTS
from fraud_detection_api.use_cases.orders import ORDERS
from fraud_detection_api.use_cases.platform_activity import PLATFORM_ACTIVITY
from fraud_detection_api.use_cases.purchases import PURCHASES

Known = TypeVar("Known")

USE_CASES: tuple[UseCase, ...] = (CREDIT_ACCOUNTS, CARD_TRANSACTIONS, PLATFORM_ACTIVITY, PURCHASES, ORDERS)


def all_use_cases(import_strings: Iterable[str] = ()) -> dict[str, UseCase]:
    """The built-in use cases and those found at `package.module:NAME`, by name."""
    found: dict[str, UseCase] = {}
    for use_case in (*USE_CASES, *map(imported, import_strings)):
        if use_case.name in found:
            raise UseCaseInvalid(f"Two use cases are named {use_case.name!r}.")
        found[use_case.name] = use_case
    return found


def imported(import_string: str) -> UseCase:
    """The use case that an import string names."""
    module, _, name = import_string.partition(":")
    try:
        use_case = getattr(import_module(module), name)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UseCaseInvalid(f"FRAUD_USE_CASES names {import_string!r}, which cannot be imported: {error}") from error
    if not isinstance(use_case, UseCase):
        raise UseCaseInvalid(f"FRAUD_USE_CASES names {import_string!r}, which is not a UseCase.")
    return use_case


def named(name: str, known: Mapping[str, Known]) -> Known:
    """What goes with the use case of that name; refused where there is none."""
    if name not in known:
        raise UnknownUseCase(name, tuple(known))
    return known[name]
