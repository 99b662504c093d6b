"""Every dependency that a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from fraud_detection_api.services.served_models import ServedModels


def _served_models(request: Request) -> ServedModels:
    served: ServedModels = request.app.state.served_models
    return served


ServedModelsDependency = Annotated[ServedModels, Depends(_served_models)]
