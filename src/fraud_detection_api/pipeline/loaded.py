"""Which histories were loaded last: a note in the data folder, for services that keep histories in their memory."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from fraud_detection_api.atomic import whole_file
from fraud_detection_api.schemas.use_case import UseCase

_ENDING = ".histories.json"


@dataclass(frozen=True)
class LoadedHistories:
    """Where the histories are that were loaded last, and the records that they were made of."""

    features: str
    raw: str
    partitions: int
    skip_bad_rows: bool
    loaded_at: float  # seconds since 1970
    hashes: str = ""  # which secret and which version hashed keys and values: `Remembering.hashes_mark`

    @property
    def moment(self) -> datetime:
        """When they were loaded."""
        return datetime.fromtimestamp(self.loaded_at, UTC)


def note_loaded(folder: Path, use_case: UseCase, loaded: LoadedHistories) -> None:
    """Say in the data folder which histories are those of the model that is served."""
    with whole_file(_pointer(folder, use_case)) as file:
        file.write(orjson.dumps(loaded, option=orjson.OPT_INDENT_2))


def loaded_histories(folder: Path, use_case: UseCase) -> LoadedHistories | None:
    """Which histories were loaded last; None where none were, or their files are gone."""
    found = _noted(_pointer(folder, use_case))
    return found if found is not None and Path(found.features).is_dir() else None


def outputs_loaded(folder: Path) -> set[str]:
    """The names of the outputs that services bring histories back from, of every use case."""
    noted = [found for file in folder.glob(f"*{_ENDING}") if (found := _noted(file)) is not None]
    return {Path(place).name for each in noted for place in (each.features, each.raw)}


def _noted(file: Path) -> LoadedHistories | None:
    try:
        return LoadedHistories(**orjson.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _pointer(folder: Path, use_case: UseCase) -> Path:
    return folder / f"{use_case.name}{_ENDING}"
