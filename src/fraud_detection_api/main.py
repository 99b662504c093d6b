"""The entry point that uvicorn's workers call: settings are made here, once a process."""

from fastapi import FastAPI

from fraud_detection_api.app import create_app
from fraud_detection_api.settings import Settings


def create() -> FastAPI:
    """The service, set by the environment."""
    return create_app(Settings())
