"""docs/operations.md names every setting with its default, and every refusal that a caller can see."""

import re
from pathlib import Path

import pytest

from fraud_detection_api.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    ModelMissing,
    QueryTooLong,
    ReasonsUnavailable,
    RecordTooLarge,
    TooBusy,
    TooManyRecords,
    UnsupportedMediaType,
)
from fraud_detection_api.model.bundle import MANIFEST, REFERENCE, SEAL
from fraud_detection_api.model.manifest import MODEL
from fraud_detection_api.settings import Settings

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text()
SETTING = re.compile(r"^\| `FRAUD_(\w+)` \| (?:`(.+?)`|none) \| .+ \|$", re.MULTILINE)


def test_every_setting_and_its_default_is_in_the_table() -> None:
    declared = {name.upper(): _spelled(info.default) for name, info in Settings.model_fields.items()}
    assert dict(SETTING.findall(PAGE)) == declared


@pytest.mark.parametrize(
    "error",
    [
        BodyTooLarge,
        DeadlineExceeded,
        ModelMissing,
        QueryTooLong,
        ReasonsUnavailable,
        RecordTooLarge,
        TooBusy,
        TooManyRecords,
        UnsupportedMediaType,
    ],
)
def test_every_refusal_at_a_limit_is_in_the_table(error: type[TooBusy]) -> None:
    assert f"| {error.status} | `{error.code}` |" in PAGE


@pytest.mark.parametrize("name", [MANIFEST, MODEL, REFERENCE, SEAL])
def test_every_file_of_a_bundle_is_in_the_layout(name: str) -> None:
    assert re.search(rf"^ +{re.escape(name)} {{2,}}\S", PAGE, re.MULTILINE)


def _spelled(default: object) -> str:
    if isinstance(default, tuple | dict):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)
