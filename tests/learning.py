"""Use cases that learn otherwise."""

from dataclasses import replace

from fraud_detection_api.schemas.use_case import UseCase


def with_learning(use_case: UseCase, **changes: object) -> UseCase:
    """The same use case, but for this of what is learned."""
    return replace(use_case, learning=replace(use_case.learning, **changes))  # type: ignore[arg-type]  # of both kinds
