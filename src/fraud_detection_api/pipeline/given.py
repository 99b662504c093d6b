"""What a step is given: a run's parameters as what they mean."""

from hashlib import blake2b
from pathlib import Path

from fraud_detection_api.errors import UseCaseInvalid
from fraud_detection_api.features.remembering import Remembering
from fraud_detection_api.pipeline.step import Parameters, Scalar
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.storage.secret_file import secret_in
from fraud_detection_api.use_cases.known import all_use_cases, imported, named
from fraud_detection_api.use_cases.orders import ORDERS

DEFAULT_USE_CASE = ORDERS.name
SECRET_FILE, SECRET_MARK = "secret_file", "secret_mark"


def use_case_of(parameters: Parameters) -> UseCase:
    """The use case of a run: a built-in one by its name, or a team's own by its import string."""
    name = text_of(parameters, "use_case", DEFAULT_USE_CASE)
    use_case = imported(name) if ":" in name else named(name, {ORDERS.name: ORDERS} | all_use_cases())
    if use_case.histories is None or use_case.label is None:
        raise UseCaseInvalid(f"{use_case.name} has no histories, or no label: the pipeline needs both.")
    return use_case


def remembering_of(parameters: Parameters) -> Remembering:
    """The histories of a run's use case, with the secret that the service hashes with, too."""
    file = text_of(parameters, SECRET_FILE, "")
    return Remembering(use_case_of(parameters), secret_in(Path(file)) if file else b"")


def shared_secret(file: Path) -> dict[str, Scalar]:
    """What steps are told of the secret: where it is, and a mark that tells it from another and nothing of itself."""
    mark = blake2b(secret_in(file), digest_size=8, person=b"mark").hexdigest()
    return {SECRET_FILE: str(file.absolute()), SECRET_MARK: mark}


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
