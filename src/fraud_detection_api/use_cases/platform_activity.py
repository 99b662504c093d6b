"""Platform activity: two figures that sum up what happens on a platform, and no label to learn from."""

from pydantic import Field

from fraud_detection_api.schemas.address import vector_address
from fraud_detection_api.schemas.learning import Unsupervised
from fraud_detection_api.schemas.record import Record
from fraud_detection_api.schemas.use_case import UseCase


class PlatformActivity(Record):
    """What an account does on a platform, summed up over a while."""

    mean: float = Field(
        description="Mean of the measured activity",
        examples=[21.5],
        ge=-1e12,
        le=1e12,
        json_schema_extra={"x-reason": "the mean is {mean}, with a standard deviation of {sd}"},
    )
    sd: float = Field(
        description="Standard deviation of the measured activity; below zero where it is standardised",
        examples=[4.25],
        ge=-1e12,
        le=1e12,
        json_schema_extra={"x-reason": "the standard deviation is {sd}, around a mean of {mean}"},
    )


PLATFORM_ACTIVITY = UseCase(
    name="platform_activity",
    title="Platform activity",
    record=PlatformActivity,
    learning=Unsupervised(n_estimators=100, contamination=0.001, random_state=16),
    purpose="Tells which activity is unlike the rest, so that people look at it first.",
    not_for="Calling activity fraud: what is unusual may well be honest.",
    addresses=(vector_address("/prediction"),),
)
