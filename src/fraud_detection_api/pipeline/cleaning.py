"""Old outputs: those that neither a run nor a service still needs."""

import time
from dataclasses import dataclass

from fraud_detection_api.pipeline.data_folder import DataFolder
from fraud_detection_api.pipeline.loaded import outputs_loaded

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class OldOutput:
    """An output that could be removed."""

    name: str
    bytes: int


def old_outputs(folder: DataFolder, kept_runs: int, days: float) -> list[OldOutput]:
    """Outputs of neither an unfinished run nor one of the latest finished ones, and not changed for so many days.

    What histories were loaded from stays: a service that keeps them in its memory reads it at its next start.
    """
    used = folder.journal.outputs_in_use(kept_runs) | outputs_loaded(folder.path)
    until = time.time() - days * DAY_SECONDS
    found = []
    for output in sorted(folder.outputs.iterdir()):
        if output.name in used or not output.is_dir() or output.stat().st_mtime > until:
            continue
        sizes = [path.stat().st_size for path in output.rglob("*") if path.is_file()]
        found.append(OldOutput(output.name, sum(sizes)))
    return found


def remove_old_outputs(folder: DataFolder, kept_runs: int, days: float) -> list[OldOutput]:
    """Remove them, while no run is at work."""
    with folder.alone():
        found = old_outputs(folder, kept_runs, days)
        for output in found:
            folder.remove(output.name)
    return found
