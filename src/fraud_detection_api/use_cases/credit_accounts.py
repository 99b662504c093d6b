"""Credit accounts: the state of a customer's accounts, all in the request."""

from pydantic import Field

from fraud_detection_api.schemas.address import Address
from fraud_detection_api.schemas.learning import Supervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import Rule, UseCase


class CreditAccount(Record):
    """A customer's credit accounts, summed up on the day of scoring."""

    customer_id: int = Field(
        description="The customer whom the accounts belong to", examples=[345435], ge=-(2**63), le=2**63 - 1
    )
    number_of_open_accounts: int = Field(
        description="Accounts open on that day",
        examples=[23],
        ge=0,
        le=100_000,
        json_schema_extra={"x-reason": "the number of open accounts is {number_of_open_accounts}"},
    )
    total_credit_limit: float = Field(
        description="Sum of the accounts' limits",
        examples=[12345],
        ge=0,
        le=1e12,
        json_schema_extra={"x-reason": "the total credit limit is {total_credit_limit}"},
    )
    total_balance: float = Field(
        description="Sum of what is owed on the accounts; below zero where the customer has overpaid",
        examples=[200000],
        ge=-1e12,
        le=1e12,
        json_schema_extra={"x-reason": "balance of {total_balance} against a limit of {total_credit_limit}"},
    )
    number_of_accounts_in_arrears: int = Field(
        description="Open accounts with a payment overdue",
        examples=[2],
        ge=0,
        le=100_000,
        json_schema_extra={
            "x-reason": "{number_of_accounts_in_arrears} of {number_of_open_accounts} accounts in arrears"
        },
    )


CREDIT_ACCOUNTS = UseCase(
    name="credit_accounts",
    title="Credit accounts",
    record=CreditAccount,
    learning=Supervised(label="fraud_flag", time_column="snapshot_date"),
    identifier="customer_id",
    entity="customer_id",
    purpose="Tells which customers' credit accounts look like fraud, so that people look at those first.",
    not_for="Granting credit, or deciding about a customer without a person who looks.",
    addresses=(
        Address(
            "/fraud_detection",
            summary="Score credit accounts",
            description="A list of accounts in, each customer's fraud probability out, in the same order.",
        ),
    ),
    rules=(
        Rule(
            fields=("number_of_accounts_in_arrears", "number_of_open_accounts"),
            holds=lambda in_arrears, open_accounts: in_arrears <= open_accounts,
            message="More accounts in arrears than open accounts",
        ),
    ),
)
