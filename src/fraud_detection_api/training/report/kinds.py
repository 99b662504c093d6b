"""Kinds of model, as people call them."""

from fraud_detection_api.model.kinds.known import KINDS, kind_named
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.recipes import RECIPES
from fraud_detection_api.training.report.contents import KindInWords
from fraud_detection_api.training.report.wording import as_title

NAMES = {kind.name: kind.words for kind in KINDS} | {name: recipe.words for name, recipe in RECIPES.items()}


def kind_of(manifest: Manifest) -> str:
    """The name that it was trained under, behind whatever form it is served in."""
    return str(manifest.parameters.get("model", manifest.model_kind))


def kind_title(name: str) -> str:
    """A kind as it stands at the head of a line; the name of somebody's own is left as it is."""
    return as_title(NAMES[name]) if name in NAMES else name


def kind_words(manifest: Manifest) -> str:
    """The kind of a model in words."""
    return _worded(kind_of(manifest))


def kind_in_words(manifest: Manifest, use_case: UseCase) -> KindInWords:
    """What a report says of the kind of its model; a kind that its use case no longer names has its name alone."""
    name, served = kind_of(manifest), kind_named(manifest.model_kind, use_case)
    if served is None:
        return KindInWords(words=name)
    words = served.words if name == served.name else _worded(name)
    return KindInWords(
        words=words, served_as=served.served_as, explained_in=served.explained_in, no_reasons=served.no_reasons
    )


def _worded(name: str) -> str:
    """A kind in words; one that nobody has worded keeps its name."""
    return NAMES.get(name, name)
