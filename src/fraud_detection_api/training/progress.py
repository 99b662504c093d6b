"""How far training is, for whoever follows it: log lines here, a bar in the command line."""

from typing import Protocol

from loguru import logger


class Follower(Protocol):
    """Whoever is told how far training is."""

    def step(self, what: str) -> None:
        """A step begins, or there is something to know."""

    def warn(self, what: str) -> None:
        """Something to know that is easily overlooked."""

    def round(self, done: int, of: int, loss: float | None) -> None:
        """A boosting round is done; the loss is that on the early-stopping rows, if they are watched."""

    def searched(self, what: str, done: int, of: int, found: str) -> None:
        """One more fit of the search is done; what was found so far, in a few words."""


class LogFollower:
    """Writes log lines, one for every tenth of the rounds."""

    def step(self, what: str) -> None:
        """Log a step."""
        logger.info(what)

    def warn(self, what: str) -> None:
        """Log a warning."""
        logger.warning(what)

    def round(self, done: int, of: int, loss: float | None) -> None:
        """Log every tenth of the rounds."""
        if done == of or done % max(of // 10, 1) == 0:
            logger.info(f"Round {done} of {of}{loss_words(loss)}")

    def searched(self, what: str, done: int, of: int, found: str) -> None:
        """Log every fit of a search."""
        logger.info(f"{what} {done} of {of}{found and ', '}{found}")


def loss_words(loss: float | None) -> str:
    """The loss, where it is watched."""
    return "" if loss is None else f", log loss {loss:.5f} on the early-stopping rows"
