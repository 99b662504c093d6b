"""What the battery asks: a use case, its small model, and the service that serves it."""

from dataclasses import dataclass

import httpx
import numpy as np

from fraud_detection_api.routes.addresses import addresses_of
from fraud_detection_api.schemas.address import BodyForm
from fraud_detection_api.schemas.use_case import UseCase
from tests.examples import Row
from tests.small_models import SmallModel

Answer = dict[str, object]


@dataclass(frozen=True)
class Subject:
    """A use case, its served model and the service."""

    use_case: UseCase
    client: httpx.Client
    model: SmallModel
    version: str

    @property
    def known_by(self) -> tuple[str, ...]:
        """What an answer says of whom it is about; nothing where only its place does."""
        return (self.use_case.identifier,) if self.use_case.identifier else ()

    def address(self, query: str = "") -> str:
        """Where its records are scored; histories are only read, so that every check finds them as they were."""
        if self.use_case.histories:
            query = "?" + "&".join(filter(None, ("dry_run=true", query[1:])))
        return f"/score/{self.use_case.name}{query}"

    def post(self, body: bytes) -> httpx.Response:
        """POST /score/<use case>, without a trace."""
        headers = {"Content-Type": "application/json"}
        return self.client.post(self.address(), content=body, headers=headers)

    def scored(self, body: bytes) -> list[Answer]:
        """The answer to a body that must be accepted."""
        response = self.post(body)
        assert response.status_code == 200, response.text
        answers: list[Answer] = response.json()
        return answers

    def refused(self, body: bytes) -> set[tuple[str | int, ...]]:
        """The places of what is wrong in a body that must be refused."""
        response = self.post(body)
        assert response.status_code == 422, (body[:500], response.text)
        return {tuple(problem["loc"]) for problem in response.json()["detail"]}


def vector_path(use_case: UseCase) -> str:
    """The address that takes a use case's bare vectors."""
    return next(each.path for each in addresses_of(use_case) if each.reads is BodyForm.VECTOR)


def assert_served(subject: Subject, answers: list[Answer], rows: list[Row]) -> None:
    """These answers give these rows the library's own scores: to the bit, or as near as is promised of its kind."""
    library = subject.model.library
    expected = subject.model.scores(rows) if rows else np.zeros(0)
    figures = np.array([answer[library.figures[-1]] for answer in answers], dtype=np.float64)
    found = figures.astype(expected.dtype).astype(np.float64)  # read as the type that was written
    assert found.shape == expected.shape
    assert np.abs(found - expected.astype(np.float64)).max(initial=0) <= library.within
