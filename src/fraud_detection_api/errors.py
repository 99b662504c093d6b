"""One tree of errors; each class carries its HTTP status, a stable code and words made from its arguments."""

import os
from collections.abc import Sequence
from errno import EADDRINUSE

from fraud_detection_api.problems import Misfit, Problem


class FraudError(Exception):
    """Everything this product refuses on purpose."""

    status = 500
    code = "error"
    exit_code = 2
    words = ""  # where they are always the same

    def __init__(self, message: str = "") -> None:
        self.message = message or self.words
        super().__init__(self.message)


class RecordsRefused(FraudError):
    """The records break a bound or a rule."""

    status = 422
    code = "input_refused"

    def __init__(self, problems: Sequence[Problem], *, alone: bool = False) -> None:
        first = problems[0]
        super().__init__(f"{len(problems)} problem(s), the first in record {first.row}, {first.field}: {first.message}")
        self.problems = tuple(problems)
        self.alone = alone  # one record that stood in no list


class InputRefused(FraudError):
    """A body, a path or a query is not what the address takes."""

    status = 422
    code = "input_refused"

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        first = misfits[0]
        place = ".".join(map(str, first.place))
        super().__init__(f"{len(misfits)} problem(s), the first at {place}: {first.message}")
        self.misfits = tuple(misfits)


class BodyUnreadable(FraudError):
    status = 400
    code = "body_unreadable"
    words = "There was an error parsing the body"


class QueryTooLong(FraudError):
    status = 414
    code = "query_too_long"

    def __init__(self, most: int) -> None:
        super().__init__(f"A query may hold at most {most:,} bytes.")


class UnsupportedMediaType(FraudError):
    status = 415
    code = "unsupported_media_type"
    words = "The body must be sent as JSON, with the header Content-Type: application/json."


class TooManyRecords(FraudError):
    status = 413
    code = "too_many_records"

    def __init__(self, most: int) -> None:
        super().__init__(f"A request may hold at most {most:,} records; send several requests or use `fraud score`.")


class BodyTooLarge(FraudError):
    status = 413
    code = "body_too_large"
    what = "A request body"

    def __init__(self, most: int) -> None:
        super().__init__(f"{self.what} may hold at most {most:,} bytes.")


class RecordTooLarge(BodyTooLarge):
    code = "record_too_large"
    what = "A record"


class BodyTooSlow(FraudError):
    status = 408
    code = "body_too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body did not arrive within {seconds:g} seconds.")


class ShuttingDown(FraudError):
    status = 503
    code = "shutting_down"
    words = "The service is shutting down; send the request again."


class TooBusy(FraudError):
    status = 429
    code = "too_busy"

    def __init__(self, most: int, what: str = "requests") -> None:
        super().__init__(f"{most:,} {what} are already in flight; try again in a second.")


class DeadlineExceeded(FraudError):
    status = 503
    code = "deadline_exceeded"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No answer within {seconds:g} seconds.")


class ModelMissing(FraudError):
    status = 503
    code = "model_missing"

    def __init__(self, use_case: str, why: str) -> None:
        super().__init__(f"No model can be served for {use_case}: {why}")


class ReasonsUnavailable(FraudError):
    status = 503
    code = "reasons_unavailable"

    def __init__(self, version: str, why: str) -> None:
        super().__init__(f"The scores of version {version} cannot be explained: {why}.")


class CannotListen(FraudError):
    code = "cannot_listen"
    exit_code = 3

    def __init__(self, host: str, port: int, error: OSError) -> None:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        taken = "another process has it; stop that one, or choose another port with --port or FRAUD_PORT"
        super().__init__(f"Cannot listen on {host}, port {port}: {taken if error.errno == EADDRINUSE else why}.")


class BundleRefused(FraudError):
    """A bundle differs from what its manifest says, or cannot be served here."""

    code = "bundle_refused"

    def __init__(self, bundle: str, why: str) -> None:
        super().__init__(f"Bundle {bundle} is refused: {why}")


class UnknownUseCase(FraudError):
    status = 404
    code = "unknown_use_case"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no use case {name!r}; there are: {', '.join(known)}.")


class UnknownVersion(FraudError):
    status = 404
    code = "unknown_version"

    def __init__(self, use_case: str, version: str) -> None:
        super().__init__(f"There is no version {version!r} of {use_case}; see `fraud models list {use_case}`.")


class ReportMissing(FraudError):
    """A bundle was made before bundles kept their report."""

    status = 404
    code = "report_missing"

    def __init__(self, use_case: str, version: str) -> None:
        super().__init__(f"Version {version} of {use_case} keeps no report; `fraud report {use_case}` makes one of it.")


class NoPastChampion(FraudError):
    status = 404
    code = "no_past_champion"

    def __init__(self, use_case: str) -> None:
        super().__init__(f"No champion of {use_case} came before this one; promote a version by name instead.")


class UseCaseInvalid(FraudError):
    """A declaration contradicts itself."""

    code = "use_case_invalid"


class DataRefused(FraudError):
    """A table cannot be used, and what to do about it."""

    status = 400
    code = "data_refused"


class FileWithoutHistories(DataRefused):
    def __init__(self, records: str, use_case: str, column: str) -> None:
        super().__init__(
            f"{records} has no column {column}: scores of {use_case} go by what was known before each record, which "
            f"records alone do not say. Score them as they come (POST /score/{use_case}), where it is looked up; or "
            f"have it computed from the whole table that they belong to (fraud features {use_case}), and score that."
        )


class ForceNeedsReason(FraudError):
    status = 400
    code = "force_needs_reason"
    words = "Passing a failed gate needs a reason that is kept in the manifest: --force 'why'."


class ExportRefused(FraudError):
    """An exported model answers otherwise than the model that was trained."""

    code = "export_refused"

    def __init__(self, model: str, why: str) -> None:
        super().__init__(f"The {model} cannot be served as it was trained: {why}")


class StoreTableUnfit(FraudError):
    status = 409
    code = "store_table_unfit"

    def __init__(self, project: str, table: str, why: str) -> None:
        super().__init__(f"Table {project}.{table} is there already and holds something else: {why}.")


class StoreTableMissing(FraudError):
    status = 404
    code = "store_table_missing"

    def __init__(self, project: str, table: str) -> None:
        super().__init__(f"No scores were stored in {project}.{table}.")


class AnswersMissing(FraudError):
    status = 404
    code = "answers_missing"

    def __init__(self, use_case: str) -> None:
        super().__init__(f"No answers of {use_case} were kept; FRAUD_KEEP={use_case}=full keeps them from now on.")


class AnswersClosed(FraudError):
    status = 403
    code = "answers_closed"
    words = "The answer log may hold personal data: FRAUD_KEEP_READABLE=true lets it be read over HTTP."


class StoreUnavailable(FraudError):
    """The store is away, locked or full."""

    status = 503
    code = "store_unavailable"
    words = "The store cannot be used at the moment; try again later."


class StoreTableVanished(StoreUnavailable):
    """For whoever remembers that the table is there."""


class StoreUnusable(FraudError):
    """The settings of the store contradict what is installed or allowed."""

    code = "store_unusable"


class AnswersCannotBeKept(FraudError):
    status = 503
    code = "answers_cannot_be_kept"

    def __init__(self, why: str) -> None:
        super().__init__(f"Answers cannot be kept at the moment, so none is given: {why}. Send the request again.")
        self.why = why


class SpoolUnusable(FraudError):
    code = "spool_unusable"

    def __init__(self, folder: object, why: str) -> None:
        super().__init__(f"The folder {folder} for answers to be kept (FRAUD_SPOOL) cannot be used: {why}.")
