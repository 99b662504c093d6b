"""Query parameters: one that an address does not know is refused, because a typo must not be silence."""

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse what the address has not declared, as FastAPI itself words it; a dependency of every route."""
    route: APIRoute = request.scope["route"]
    known = _declared(route.dependant)
    unknown = [(name, value) for name, value in request.query_params.multi_items() if name not in known]
    if unknown:
        wrong = {"type": "extra_forbidden", "msg": "Extra inputs are not permitted"}
        raise RequestValidationError([{**wrong, "loc": ("query", name), "input": value} for name, value in unknown])


def _declared(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {field.alias or name for name, field in model.model_fields.items()}
        else:
            names.add(field.alias)
    return names.union(*(_declared(each) for each in dependant.dependencies))
