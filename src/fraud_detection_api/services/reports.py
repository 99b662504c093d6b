"""Reports: what the model that scores now says of itself, read from its bundle when somebody asks."""

from dataclasses import dataclass

from fraud_detection_api.errors import ReportMissing
from fraud_detection_api.services.served_models import ServedModel


@dataclass(frozen=True)
class KeptReport:
    """A report as the bundle keeps it, with the version that it is about and its digest."""

    content: bytes
    version: str
    sha256: str


def kept_report(served: ServedModel, file: str) -> KeptReport:
    """The report of the version that scores now; nothing of it stays in memory."""
    scorer, name = served.current(), served.use_case.name
    sha256 = scorer.manifest.files.get(file)
    if sha256 is None:
        raise ReportMissing(name, scorer.version)
    return KeptReport(served.registry.attached(name, scorer.version, file, sha256), scorer.version, sha256)
