"""Publishing: a model becomes a version of the registry, and its champion if the gate or somebody's reason lets it."""

import platform
from collections.abc import Mapping

import numpy as np

from fraud_detection_api import __version__
from fraud_detection_api.errors import ForceNeedsReason
from fraud_detection_api.model.bundle import Bundle, Reference, bundle_files
from fraud_detection_api.model.manifest import Manifest
from fraud_detection_api.model.registry import Registry
from fraud_detection_api.model.scorer import load_scorer
from fraud_detection_api.schemas.use_case import UseCase
from fraud_detection_api.training.report.making import report_again


def published(
    registry: Registry, manifest: Manifest, model: bytes, reference: Reference, attached: Mapping[str, bytes]
) -> str:
    """The version of a new bundle."""
    return registry.publish(manifest.use_case, bundle_files(manifest, model, reference, attached))


def promoted(registry: Registry, use_case: UseCase, wanted: str, reason: str | None = None) -> str:
    """Make a version champion once it has loaded; a failed gate needs a reason, which a new version of it keeps."""
    bundle = registry.bundle(use_case.name, wanted)
    load_scorer(bundle, use_case)
    version, gate = bundle.version, bundle.manifest.gate
    if not (gate.passed or gate.forced_because):
        if not (reason and reason.strip()):
            raise ForceNeedsReason
        forced = bundle.manifest.model_copy(update={"gate": gate.model_copy(update={"forced_because": reason.strip()})})
        version = republished(registry, use_case, bundle, forced)
    return registry.promote(use_case.name, version)


def republished(registry: Registry, use_case: UseCase, bundle: Bundle, manifest: Manifest) -> str:
    """A new version of the same model, whose manifest differs in its threshold or its gate, and says of which."""
    made = manifest.model_copy(update={"made_from": bundle.version})
    attached = bundle.attachments | report_again(use_case, made, bundle)
    return published(registry, made, bundle.model, bundle.reference, attached)


def library_versions(learned_with: Mapping[str, str]) -> dict[str, str]:
    """What made a bundle: this product, what it runs on, and the packages that the model was learned with."""
    return {
        "fraud_detection_api": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        **learned_with,
    }
