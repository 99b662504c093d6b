"""What a model should not learn from, refused before it is trained: texts that are another one in nearly each row."""

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.features.columns import Columns
from fraud_detection_api.schemas.record import Kind
from fraud_detection_api.schemas.use_case import UseCase

FEW_TEXTS, NEARLY_EACH = 100, 0.5


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
