"""What a step is given: a run's parameters as what they mean."""

from collections.abc import Sequence
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.history_errors import SecretUnreadable
from fraud_detection_api.pipeline.step import Parameters, Scalar
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.secret_file import secret_in
from fraud_detection_api.training.fit_options import between_commas
from fraud_detection_api.use_cases.known import all_use_cases, named
from fraud_detection_api.use_cases.orders import ORDERS

DEFAULT_USE_CASE = ORDERS.name
USE_CASES, USE_CASES_MARK = "use_cases", "use_cases_mark"
SECRET_FILE, SECRET_MARK = "secret_file", "secret_mark"
RECORDS = ("use_case", USE_CASES_MARK)  # what a step depends on that reads or makes records


def use_case_of(parameters: Parameters) -> UseCase:
    """The use case of a run, by its name: a built-in one, or one of those that the settings name."""
    name = text_of(parameters, "use_case", DEFAULT_USE_CASE)
    own = between_commas(text_of(parameters, USE_CASES, ""))
    use_case = named(name, all_use_cases(own))
    if use_case.histories is None or use_case.label is None:
        raise UseCaseInvalid(f"{use_case.name} has no histories, or no label: the pipeline needs both.")
    return use_case


def remembering_of(parameters: Parameters) -> Remembering:
    """The histories of a run's use case, with the secret that the service hashes with, too."""
    return Remembering(use_case_of(parameters), _secret(parameters))


def shared_by_all(use_cases: Sequence[str], secret: Path) -> dict[str, Scalar]:
    """What every step is told of the settings: outputs of other declarations, or of another secret, are not reused."""
    return {USE_CASES: ",".join(use_cases), USE_CASES_MARK: _mark_of_sources(use_cases), **shared_secret(secret)}


def shared_secret(file: Path) -> dict[str, Scalar]:
    """What steps are told of the secret: where it is, and a mark that tells it from another and nothing of itself."""
    return {SECRET_FILE: str(file.absolute()), SECRET_MARK: _mark_of(secret_in(file))}


def _secret(parameters: Parameters) -> bytes:
    file = text_of(parameters, SECRET_FILE, "")
    if not file:
        return b""
    secret = secret_in(Path(file))
    if _mark_of(secret) != text_of(parameters, SECRET_MARK, ""):
        raise SecretUnreadable(
            Path(file), "this process finds another secret there than the one that runs the pipeline"
        )
    return secret


def _mark_of(secret: bytes) -> str:
    return blake2b(secret, digest_size=8, person=b"mark").hexdigest()


def _mark_of_sources(use_cases: Sequence[str]) -> str:
    """What tells apart the modules that a team's own use cases are declared in."""
    digest = blake2b(digest_size=8)
    for name in use_cases:
        file = import_module(name.partition(":")[0]).__file__
        digest.update(name.encode() + (Path(file).read_bytes() if file else b""))
    return digest.hexdigest() if use_cases else ""


def text_of(parameters: Parameters, name: str, default: str) -> str:
    """A parameter that is a text."""
    value = parameters.get(name)
    return default if value is None else str(value)


def whole_of(parameters: Parameters, name: str, default: int) -> int:
    """A parameter that is a whole number."""
    value = parameters.get(name)
    return default if value is None else int(value)


def share_of(parameters: Parameters, name: str, default: float) -> float:
    """A parameter that is any number."""
    value = parameters.get(name)
    return default if value is None else float(value)


def is_set(parameters: Parameters, name: str) -> bool:
    """A parameter that is a yes or a no."""
    return bool(parameters.get(name))
