"""What a command refuses, or cannot do here: one line on stderr and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from pydantic import ValidationError

from fraud_detection_api.errors import FraudError

EXTRAS = {
    "alembic": "training",
    "dask": "pipeline",
    "distributed": "pipeline",
    "hiredis": "redis",
    "mlflow": "training",
    "onnx": "training",
    "onnxruntime": "onnx",
    "optuna": "training",
    "psycopg": "postgres",
    "pyarrow": "files",
    "pymysql": "mysql",
    "skl2onnx": "training",
    "sklearn": "training",
}


@contextmanager
def refusing(command: str) -> Iterator[None]:
    """End with one line whatever a user can put right; anything else is a fault of ours and keeps its traceback."""
    try:
        yield
    except FraudError as error:
        _refuse(command, error.message, error.exit_code)
    except ValidationError as error:
        first = error.errors()[0]
        _refuse(command, f"setting FRAUD_{str(first['loc'][0]).upper()}: {first['msg']}")
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        _refuse(command, f"This needs {package}: pip install 'fraud-detection-api[{EXTRAS[package]}]'.")
    except OSError as error:
        if error.filename is None:
            raise
        _refuse(command, f"{error.filename}: {error.strerror}.")


def _refuse(command: str, message: str, exit_code: int = 2) -> NoReturn:
    print(f"{command}: {message}", file=sys.stderr)
    raise SystemExit(exit_code) from None
