"""What is asked of a proof."""

from dataclasses import dataclass

from fraud_detection_api.training.proof.budget import Budget


@dataclass(frozen=True)
class ProofSettings:
    """How a model is judged: what people can review, how its threshold is chosen, and why a failed gate is passed."""

    budget: Budget
    threshold: str | None
    seed: int
    force: str | None
