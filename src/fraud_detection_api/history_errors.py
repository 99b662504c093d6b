"""Errors of histories, on the same tree as all others."""

from pathlib import Path

from fraud_detection_api.errors import FraudError


class HistoriesNotLookedUp(FraudError):
    code = "histories_not_looked_up"

    def __init__(self, use_case: str) -> None:
        super().__init__(f"Records of {use_case} cannot be scored by themselves: their histories have to be looked up.")


class SecretUnreadable(FraudError):
    code = "secret_unreadable"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"The secret of histories in {path} cannot be used: {why}.")


class HistoriesNotShared(FraudError):
    """Each of several workers would know a part of each history."""

    status = 503
    code = "histories_not_shared"
    words = (
        "Several workers cannot keep histories in their own memories: serve with one worker, or set FRAUD_HISTORIES "
        "to a Redis server."
    )


class HistoriesAway(FraudError):
    """Nobody knows at the moment what was known of a key; that is no reason to score as if nothing were."""

    status = 503
    code = "histories_away"

    def __init__(self, why: str) -> None:
        super().__init__(f"Histories cannot be read at the moment: {why}. Send the request again.")
        self.why = why


class HistoriesUnreadable(FraudError):
    """What came back from the store of histories is none that was put there."""

    code = "histories_unreadable"

    def __init__(self, name: bytes, why: str) -> None:
        super().__init__(f"The histories of {name.decode(errors='replace')} cannot be read: {why}.")


class HistoriesForeign(FraudError):
    """Nobody would be known by what another secret has hashed."""

    code = "histories_foreign"

    def __init__(self, use_case: str) -> None:
        super().__init__(
            f"The histories of {use_case} in the pipeline's folder were made with another secret, or by another "
            "version: run the pipeline again."
        )


class HistoriesUnusable(FraudError):
    """The settings of the histories contradict what is installed or allowed."""

    code = "histories_unusable"


class FindClosed(FraudError):
    """Nobody has asked for the latest records to be kept."""

    status = 403
    code = "find_closed"

    def __init__(self, use_case: str) -> None:
        super().__init__(
            f"Latest records of {use_case} are not kept, because they may be personal data: FRAUD_FIND={use_case} has "
            "them kept from then on, and listed here."
        )


class FindUnusable(FraudError):
    """The settings ask for a list that cannot be."""

    code = "find_unusable"

    def __init__(self, use_case: str) -> None:
        super().__init__(
            f"FRAUD_FIND names {use_case}, whose latest records cannot be listed: it has to declare histories, and an "
            "entity that is one of its fields, a whole number or a text."
        )
