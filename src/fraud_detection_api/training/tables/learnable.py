"""What a model cannot learn from, refused before it is trained: fields without a value, texts unlike in each row."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase

FEW_TEXTS, NEARLY_EACH = 100, 0.5
ALIKE = 0.75


def refuse_nearly_unique(columns: Columns, use_case: UseCase) -> None:
    """Refuse a text that tells rows apart one by one: nothing learned from it holds for other rows."""
    for name in (feature.name for feature in use_case.features if feature.kind is Kind.CATEGORY):
        texts = [text for text in columns.texts[name] if text is not None]
        different = len(set(texts))
        if different > FEW_TEXTS and different > NEARLY_EACH * len(texts):
            raise DataRefused(
                f"{name} holds {different:,} different texts in {len(texts):,} rows: it tells rows apart one by one, "
                "so nothing learned from it holds for others. Carry it, make it the identifier, or leave it out."
            )


def refuse_absent(fields: Sequence[str], there: Sequence[str], unused: Sequence[str]) -> None:
    """Refuse to learn without these optional fields; columns that nobody reads may be what was meant."""
    said = (
        f"{name} ({'empty in every row' if name in there else 'no such column'}{_meant(name, unused)})"
        for name in fields
    )
    raise DataRefused(
        f"No row has a value of: {', '.join(said)}. These fields are optional, but a model "
        "would learn nothing from them. Rename the columns that hold them, or go on without them by --allow-absent."
    )


def _meant(name: str, unused: Sequence[str]) -> str:
    found = next((column for column in unused if _are_alike(name, column)), None)
    return f"; is it {found!r}?" if found else ""


def _are_alike(name: str, column: str) -> bool:
    """Whether one name's words are among the other's, or the letters are nearly the same."""
    first, second = (set(re.findall(r"[^\W_]+", each.casefold())) for each in (name, column))
    nearly = SequenceMatcher(None, name.casefold(), column.casefold()).ratio() >= ALIKE
    return nearly or (bool(second) and (first <= second or second <= first))
