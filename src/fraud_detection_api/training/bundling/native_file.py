"""A native XGBoost file, tried where it can do no harm before it is read here."""

from pathlib import Path

from fraud_detection_api.errors import DataRefused
from fraud_detection_api.model.trial import why_unusable
from fraud_detection_api.training.xgboost_training import VERSION


def read_native(file: Path) -> bytes:
    """The content of a file that XGBoost has read, and predicted with, in a process of its own."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DataRefused(f"{file} cannot be read: {error.strerror or error}.") from error
    ends = content.strip()[:1], content.strip()[-1:]
    why = "it is not whole" if ends != (b"{", b"}") else why_unusable(content)
    if why:
        raise DataRefused(
            f"{file} is not a model that XGBoost {VERSION} can read ({why}): "
            "save it again with booster.save_model('model.json')."
        )
    return content
