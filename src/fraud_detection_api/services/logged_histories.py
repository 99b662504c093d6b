"""Records of the answer log with what histories said of them, as columns again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import orjson

from fraud_detection_api.errors import AnswersMissing
from fraud_detection_api.features.columns import Columns, Remembered
from fraud_detection_api.schemas.answer_log import MOST_ANSWERS_ON_A_PAGE, AnswersQuery
from fraud_detection_api.schemas.histories import Histories
from fraud_detection_api.schemas.reasons import JUST_SCORES
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.services.body_readers import ListBody

if TYPE_CHECKING:  # SQLAlchemy is loaded by whoever has a reader
    from fraud_detection_api.storage.answer_log.reading import AnswerReader, LoggedRecord


def logged_records(
    reader: "AnswerReader", use_case: UseCase, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Columns]:
    """What was answered from then on and before then, page by page in the order in which it was written."""
    histories = use_case.histories
    if histories is None:
        return
    body, after = ListBody(use_case, MOST_ANSWERS_ON_A_PAGE), None
    while True:
        between = {"from": since, "to": until}
        query = AnswersQuery.model_validate({"after": after, "limit": MOST_ANSWERS_ON_A_PAGE} | between)
        try:
            found, after = reader.remembered(use_case.name, query)
        except AnswersMissing:
            return
        if found:
            yield _columns(body, histories, found)
        if after is None:
            return


def _columns(body: ListBody, histories: Histories, rows: Sequence["LoggedRecord"]) -> Columns:
    """The records of a page, but for those that were scored under another declaration of histories."""
    features, names = [each.name for each in histories.features], [each.name for each in histories.of]
    said = [orjson.loads(row.histories) for row in rows]
    ours = [row for row, each in enumerate(said) if list(each["features"]) == features and list(each["keys"]) == names]
    text = f"[{','.join(rows[row].record for row in ours)}]".encode()
    columns = body.plain(text) or body.validated(text, JUST_SCORES)[0]
    values = [list(said[row]["features"].values()) for row in ours]
    keys = [[(each["flags"], each["received"]) for each in said[row]["keys"].values()] for row in ours]
    at_keys = np.array(keys, np.int64).reshape(len(ours), len(names), 2)
    shown = np.array(values, np.float64).reshape(len(ours), len(features))  # None becomes NaN
    flags, received = np.moveaxis(at_keys, 2, 0)
    return replace(columns, remembered=Remembered(shown.T, flags.T.astype(np.uint8), received.T))
