"""The latest record of each customer, as it is asked for and found over HTTP."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MOST_FOUND = 1_000
ANYTHING = "*"
MOST_TEXT = 256  # letters; an id that is longer is not listed

Key = Annotated[str, Field(max_length=MOST_TEXT, examples=["345435"])]


class FindQuery(BaseModel):
    """Whose latest records are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prefix: str = Field(
        default=ANYTHING,
        max_length=MOST_TEXT + len(ANYTHING),
        description="What the id begins with, as text; one `*` at the end may be there or not, so that `*` means all",
        examples=["12*"],
    )
    num_items: int = Field(default=10, ge=1, le=MOST_FOUND, description="How many to give")
    after: Key | None = Field(default=None, description="`next` of the page before")

    @property
    def beginning(self) -> str:
        """What the id begins with."""
        return self.prefix.removesuffix(ANYTHING)


class LatestOf(BaseModel):
    """The latest record of a customer, or of whomever records are about."""

    key: str = Field(description="Whose it is: the id as text", examples=["345435"])
    record: dict[str, str | int | float | bool | None] | None = Field(
        description="As it was sent; null where it was longer than 8 KB"
    )
    received: datetime = Field(description="When it came in, in UTC")


class FindPage(BaseModel):
    """Latest records in the order of the ids as text."""

    latest: list[LatestOf]
    next: Key | None = Field(description="What to send as `after` for the page that follows; null on the last page")
