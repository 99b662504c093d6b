"""Commands made from records: one option for each field, with the words that the command line has for it."""

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Annotated, TypeVar, cast, get_type_hints

from typer.models import OptionInfo

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Flags = Mapping[str, OptionInfo]
Options = TypeVar("Options", bound="DataclassInstance")


def command_with_options(
    run: Callable[[str, Options], None], use_case: inspect.Parameter, flags: Flags | None = None
) -> Callable[..., None]:
    """A Typer command: this parameter for the use case, and one option for each field of what `run` takes.

    The flags say how the options look; a record of the command line's own says it in its annotations.
    """
    record: type[Options] = get_type_hints(run)["options"]
    hints = get_type_hints(record, include_extras=True)

    def command(**given: object) -> None:
        name = str(given.pop(use_case.name))
        run(name, cast("Callable[..., Options]", record)(**given))

    options = [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if each.default is MISSING else each.default,
            annotation=hints[each.name] if flags is None else Annotated[hints[each.name], _named(each.name, flags)],
        )
        for each in fields(record)
    ]
    command.__doc__ = run.__doc__
    command.__signature__ = inspect.Signature([use_case, *options])  # type: ignore[attr-defined]  # Typer reads it
    return command


def _named(name: str, flags: Flags) -> OptionInfo:
    """With hyphens, and with underscores, as schedulers have always called the fitter; unless it says otherwise."""
    option = copy(flags[name])
    if option.default is ...:  # where Typer keeps the first name that was given
        option.param_decls = tuple(dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}")))
    return option
