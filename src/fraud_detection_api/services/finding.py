"""Finding: the latest records of those who are known, as they are given back."""

from collections.abc import Collection, Mapping

import orjson

from fraud_detection_api.history_errors import FindClosed, HistoriesNotShared, HistoriesUnreadable
from fraud_detection_api.schemas.latest import FindQuery
from fraud_detection_api.schemas.times import time_text
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.histories.latest import Found, Wanted
from fraud_detection_api.storage.histories.store import HistoryStore
from fraud_detection_api.use_cases.known import named


class Finding:
    """Gives latest records of the use cases that the settings name."""

    def __init__(
        self, store: HistoryStore, use_cases: Mapping[str, UseCase], listed: Collection[str], *, is_shared: bool
    ) -> None:
        self._store = store
        self._use_cases = use_cases
        self._listed = listed
        self._is_shared = is_shared

    async def page(self, use_case: str, query: FindQuery) -> bytes:
        """One page as JSON."""
        name = named(use_case, self._use_cases).name
        if name not in self._listed:
            raise FindClosed(name)
        if not self._is_shared:
            raise HistoriesNotShared
        after = None if query.after is None else query.after.encode()
        page = await self._store.latest_page(name.encode(), Wanted(query.beginning.encode(), after, query.num_items))
        try:
            following = None if page.next is None else page.next.decode()
            return orjson.dumps({"latest": [_shown(each) for each in page.found], "next": following})
        except (ValueError, OverflowError):
            raise HistoriesUnreadable(f"{name}:latest".encode(), "a record is none") from None


def _shown(found: Found) -> dict[str, object]:
    """One record; what a server gives back is read before it is given on."""
    record = orjson.loads(found.record)
    return {"key": found.key.decode(), "record": record, "received": time_text(found.received)}
