"""Arrow, or the sentence that says how to get it."""

from fraud_detection_api.errors import DataRefused

try:
    import pyarrow as pa
    from pyarrow import compute as pc
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet
except ModuleNotFoundError as error:
    raise DataRefused(
        "Reading and writing files needs pyarrow: pip install 'fraud-detection-api[files]' "
        "(or [training], which holds it)."
    ) from error

__all__ = ["arrow_csv", "pa", "parquet", "pc"]
