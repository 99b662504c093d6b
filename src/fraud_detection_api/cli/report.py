"""fraud report: what is known of a model, as one page to read or as JSON."""

from pathlib import Path
from typing import Annotated

import typer

from fraud_detection_api.cli.arguments import Models, Name, UseCases, registry_of, use_case_of
from fraud_detection_api.model.bundle import REPORT, REPORT_DATA, Bundle
from fraud_detection_api.schemas.use_case import UseCase


def report(
    use_case: Name,
    *,
    version: Annotated[str, typer.Option(help="Version, its number, champion or challenger")] = "champion",
    output: Annotated[Path | None, typer.Option(help="File to write [<use case>-<version>.html]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON")] = False,
    models: Models = None,
    use_cases: UseCases = None,
) -> None:
    """Write the report (model card) of a version; one made before bundles included a report gets a short one."""
    from fraud_detection_api.atomic import whole_file

    declared = use_case_of(use_case, use_cases)
    bundle = registry_of(models).bundle(declared.name, version)
    file = output or Path(f"{declared.name}-{bundle.version}.{'json' if as_json else 'html'}")
    content = _kept_or_made(declared, bundle, REPORT_DATA if as_json else REPORT)
    with whole_file(file) as out:
        out.write(content)
    typer.echo(f"{use_case} {bundle.version}: {file}")


def _kept_or_made(use_case: UseCase, bundle: Bundle, name: str) -> bytes:
    kept = bundle.attached(name)
    if kept is not None:
        return kept
    from fraud_detection_api.training.report.making import report_again

    return report_again(use_case, bundle.manifest, bundle)[name]
