"""Colours and letters of plots: hues that colour-blind people tell apart, in light and in dark."""

LIGHT = (
    "--ink:#1c2126;--soft:#5a6570;--grid:#dfe3e8;--paper:#ffffff;"
    "--c0:#0067a5;--c1:#c24a00;--c2:#00795a;--c3:#7d5ba6;--c4:#8a8f96"
)
DARK = (
    "--ink:#e8ebee;--soft:#a3adb8;--grid:#363d45;--paper:#15191d;"
    "--c0:#5ab4f0;--c1:#f59a4c;--c2:#3fc79a;--c3:#c3a5ea;--c4:#9aa1a9"
)
COLOURS = 5
PLOTS = (
    ".plot{display:block;width:100%;height:auto;font:13px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    ".plot text{fill:var(--soft)}.plot .strong{fill:var(--ink);font-weight:600}.plot .name{fill:var(--ink)}"
    ".plot .over{paint-order:stroke;stroke:var(--paper);stroke-width:5px;stroke-linejoin:round}"
    ".plot .grid{stroke:var(--grid)}.plot .base{stroke:var(--soft)}"
    ".plot .rule{stroke:var(--ink);stroke-dasharray:2 3}.plot .line{fill:none;stroke-width:2;stroke-linejoin:round}"
    ".plot .dashed{stroke-dasharray:6 4}.plot .band{opacity:.2}.plot .bar{opacity:.55}.plot .cell{stroke:var(--paper)}"
    + "".join(
        f".plot .s{place}{{stroke:var(--c{place})}}.plot .f{place}{{fill:var(--c{place})}}" for place in range(COLOURS)
    )
)
VARIABLES = f":root{{color-scheme:light dark;{LIGHT}}}@media(prefers-color-scheme:dark){{:root{{{DARK}}}}}"
