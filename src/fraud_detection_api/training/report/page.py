"""The page: a report as one HTML file that loads nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

from fraud_detection_api.training.report.contents import Report
from fraud_detection_api.training.report.markup import Markup, tag
from fraud_detection_api.training.report.plotting.palette import PLOTS, VARIABLES
from fraud_detection_api.training.report.reported_scores import REPORTED, ReportedScore
from fraud_detection_api.training.report.sections.calibration import probabilities
from fraud_detection_api.training.report.sections.comparison import comparison
from fraud_detection_api.training.report.sections.data import data, features
from fraud_detection_api.training.report.sections.influence import influence
from fraud_detection_api.training.report.sections.ranking import measures
from fraud_detection_api.training.report.sections.slices import groups, stability
from fraud_detection_api.training.report.sections.summary import gate, header, limits, purpose, summary, versions


def reported(report: Report) -> ReportedScore:
    """What the report of such scores has of its own."""
    return REPORTED[report.manifest.score]


def is_judged(report: Report) -> bool:
    """Whether rows with labels have judged the model."""
    return report.manifest.ranks is None and bool(report.manifest.data or report.manifest.metrics)


def is_trained(report: Report) -> bool:
    """Whether it was made here, where somebody could have measured what moves it."""
    return is_judged(report) or report.importance is not None


@dataclass(frozen=True)
class Part:
    """A section of the page, the link that leads to it, and whose page has it."""

    made: Callable[[Report], Markup]
    key: str | None = None
    link: str = ""
    belongs: Callable[[Report], bool] = lambda _: True


PARTS = (
    Part(lambda report: summary(report, reported(report).cards(report), reported(report).sentence(report))),
    Part(purpose),
    Part(gate, "gate", "Gate"),
    Part(lambda report: reported(report).threshold(report), "threshold", "Threshold"),
    Part(comparison, "comparison", "Comparison", lambda report: report.comparison is not None),
    Part(measures, "measures", "Ranking", is_judged),
    Part(probabilities, "probabilities", "Probabilities", is_judged),
    Part(stability, "stability", "Time", is_judged),
    Part(groups, "groups", "Groups", is_judged),
    Part(
        lambda report: influence(report, reported(report).moved(report.importance, report.kind)),
        "importance",
        "Influence",
        is_trained,
    ),
    Part(lambda report: data(report, reported(report).rows), "data", "Data"),
    Part(features, "features", "Features"),
    Part(limits, "limits", "Limits"),
    Part(versions, "versions", "Versions"),
)
STYLE = (
    VARIABLES
    + PLOTS
    + """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink)}
body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
main,header,nav{max-width:1160px;margin:0 auto;padding:0 20px}
header{padding-top:32px}
h1{font-size:2rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:1.35rem;margin:0 0 12px}
h3{font-size:1.05rem;margin:0 0 4px}
p{margin:0 0 12px;max-width:88ch;overflow-wrap:anywhere}
section{padding:28px 0;border-top:1px solid var(--grid);scroll-margin-top:8px}
.kicker{margin:0;color:var(--soft);font-size:.8rem;letter-spacing:.08em;text-transform:uppercase}
.soft,figcaption,dt{color:var(--soft)}
.small,small{font-size:.85rem}
nav{display:flex;flex-wrap:wrap;gap:4px 16px;padding-top:8px;padding-bottom:20px;font-size:.92rem}
a{color:var(--c0)}
.verdict{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;margin-bottom:12px}
.verdict p{margin:0;flex:1 1 260px}
.badge{padding:4px 14px;border-radius:999px;border:2px solid;font-weight:700;white-space:nowrap}
.good{color:var(--c2);font-weight:600}.bad{color:var(--c1);font-weight:600}.forced{color:var(--c3);font-weight:600}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,220px),1fr));gap:12px;margin:16px 0}
.cards>div{border:1px solid var(--grid);border-radius:10px;padding:14px 16px}
.cards p{margin:0}
.figure{font-size:1.9rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums}
.lead{font-size:1.12rem}
.limitation,.reason{border-left:4px solid var(--c1);padding-left:12px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,340px),1fr));gap:8px 32px}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:28px 36px;margin:20px 0}
.plots>figure:only-child{max-width:620px}
figure{margin:0;min-width:0}
figcaption{margin-bottom:8px;font-size:.94rem}
.wide{overflow-x:auto;margin:12px 0}
table{border-collapse:collapse;width:100%;font-size:.94rem}
th,td{text-align:left;vertical-align:top;padding:7px 24px 7px 0;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--soft);white-space:nowrap}
.wide table{min-width:44rem}
.wide td:first-child{min-width:9rem}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:0}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:10px 32px;margin:12px 0}
dt{font-size:.85rem}
dd{margin:0;overflow-wrap:anywhere}
ul{margin:0;padding-left:20px;max-width:82ch}
li{margin-bottom:8px;overflow-wrap:anywhere}
table+p{margin-top:12px}
.spark{width:110px;height:26px}
details{margin-top:8px}
summary{cursor:pointer;color:var(--c0)}
@media(max-width:640px){
.wide td:first-child strong{overflow-wrap:anywhere}
.prose thead{display:none}
.prose tr{display:block;padding:8px 0;border-bottom:1px solid var(--grid)}
.prose td{display:block;border:0;padding:2px 0;text-align:left;white-space:normal}
.prose td:empty{display:none}
.prose .n:before{content:attr(data-label) ": ";color:var(--soft)}
}
@media print{nav{display:none}section,figure{break-inside:avoid-page}}
"""
)


def page(report: Report) -> bytes:
    """The report as HTML."""
    parts = [part for part in PARTS if part.belongs(report)]
    links = (tag("a", part.link, href=f"#{part.key}") for part in parts if part.key)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{report.use_case.title}: model report"),
        tag("style", Markup(STYLE)),
    )
    main = tag("main", *(part.made(report) for part in parts))
    html = tag("html", head, tag("body", header(report), tag("nav", *links, aria_label="Sections"), main), lang="en")
    return f"<!DOCTYPE html>\n{html}\n".encode()
