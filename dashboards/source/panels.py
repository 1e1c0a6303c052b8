"""The kinds of panels and their looks: a number, lines over time, a heat map, bars, a table, states, words.

Every query is limited to the chosen sensors: `{which}` in an expression stands for that label matcher.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    AxisPlacement,
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
    VariableRefresh,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from ruamel.yaml import YAML

SOURCE: Final = DataSourceRef("prometheus", "${datasource}")
GOOD, CARE, BAD, NONE = "green", "orange", "red", "text"
TAG: Final = "otmon"
RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules" / "otmon-recording.yml"

Panel = Any
"""A builder of the SDK; its kinds share no type that has the setters used here."""


def limited(expression: str) -> str:
    """The expression for the chosen sensors."""
    return " ".join(expression.replace("{which}", 'instance=~"$instance"').split())


def recorded(rule: str) -> str:
    """What a recording rule keeps; where nobody has evaluated it, as for a replay, its expression."""
    groups = YAML(typ="safe").load(RULES.read_text(encoding="utf-8"))["groups"]
    (expression,) = [one["expr"] for group in groups for one in group["rules"] if one["record"] == rule]
    limited = re.sub(
        r"\b(otmon_\w+)(?:\{(.*?)\})?",
        lambda found: f"{found[1]}{{{f'{found[2]}, ' if found[2] else ''}{{which}}}}",
        expression,
    )
    return f"{rule}{{{{which}}}} or {limited.strip()}"


def _query(expression: str, legend: str = "") -> prometheus.Dataquery:
    return prometheus.Dataquery().datasource(SOURCE).expr(limited(expression)).legend_format(legend)


def _steps(steps: Iterable[tuple[float | None, str]]) -> dashboard.ThresholdsConfig:
    made = [Threshold(value, color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _words(words: dict[int, tuple[str, str]]) -> list[Any]:
    """Texts and colours instead of numbers."""
    options = {
        str(value): ValueMappingResult(text=told, color=color, index=index)
        for index, (value, (told, color)) in enumerate(words.items())
    }
    return [ValueMap(options)]


def number(
    title: str,
    expression: str,
    *,
    unit: str = "none",
    steps: Sequence[tuple[float | None, str]] = ((None, NONE),),
    words: dict[int, tuple[str, str]] | None = None,
    width: int = 4,
    about: str = "",
) -> Panel:
    """One number as it is now, coloured from each step's value on."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .span(width)
        .height(4)
        .unit(unit)
        .mappings(_words(words or {}))
        .thresholds(_steps(steps))
        .color_mode(BigValueColorMode.BACKGROUND if len(steps) > 1 else BigValueColorMode.NONE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(expression).instant().ref_id("A"))
    )


def lines(
    title: str,
    *queries: tuple[str, str],
    unit: str = "short",
    width: int = 12,
    most: float | None = None,
    about: str = "",
) -> Panel:
    """Lines over time; each query with the legend of its lines. `most` is the end of the scale."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .unit(unit)
        .min(0)
        .fill_opacity(10)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if most is not None:
        panel = panel.max(most)
    for letter, (expression, legend) in zip("ABCDEF", queries, strict=False):
        panel = panel.with_target(_query(expression, legend).range().ref_id(letter))
    return panel


def heat(title: str, expression: str, *, unit: str = "s", width: int = 12, about: str = "") -> Panel:
    """How many of what is measured lay between two bounds, over time: a histogram's buckets by `le`."""
    return (
        heatmap.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .calculate(False)
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(HeatmapColorMode.SCHEME)
            .scheme("Oranges")
            .scale(HeatmapColorScale.EXPONENTIAL)
            .exponent(0.5)
            .fill("dark-orange")
            .reverse(False)
            .steps(64)
        )
        .y_axis(heatmap.YAxisConfig().unit(unit).axis_placement(AxisPlacement.LEFT))
        .tooltip(heatmap.HeatmapTooltip().mode(TooltipDisplayMode.SINGLE).y_histogram(False))
        .show_legend()
        .with_target(_query(expression, "{{le}}").range().format(PromQueryFormat.HEATMAP).ref_id("A"))
    )


def bars(title: str, expression: str, legend: str, *, unit: str = "short", width: int = 8) -> Panel:
    """One bar for each sample as it is now."""
    return (
        bargauge.Panel()
        .title(title)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .unit(unit)
        .min(0)
        .thresholds(_steps([(None, "blue")]))
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .with_target(_query(expression, legend).instant().ref_id("A"))
    )


def rows(
    title: str, expression: str, columns: dict[str, str], *, width: int = 12, height: int = 8, about: str = ""
) -> Panel:
    """A table of the samples as they are now. `columns` gives labels their heads, `Value` the number's."""
    order = {name: index for index, name in enumerate(columns)}
    arranged = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": columns}
    return (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .span(width)
        .height(height)
        .show_header(True)
        .with_transformation(DataTransformerConfig(id_val="organize", options=arranged))
        .with_target(_query(expression).instant().format(PromQueryFormat.TABLE).ref_id("A"))
    )


def states(
    title: str, expression: str, legend: str, words: dict[int, tuple[str, str]], *, width: int = 24
) -> Panel:
    """A band over time for each sample; `words` gives each value its text and colour."""
    return (
        statetimeline.Panel()
        .title(title)
        .datasource(SOURCE)
        .span(width)
        .height(8)
        .mappings(_words(words))
        .thresholds(_steps([(None, NONE)]))
        .merge_values(True)
        .show_value(VisibilityMode.AUTO)
        .row_height(0.9)
        .fill_opacity(80)
        .with_target(_query(expression, legend).range().ref_id("A"))
    )


def words(title: str, content: str, *, width: int = 24, height: int = 3) -> Panel:
    """A text, as Markdown."""
    return text.Panel().title(title).span(width).height(height).content(content)


def page(uid: str, title: str, about: str, panels: Iterable[Panel]) -> Any:
    """A dashboard with the choice of data source and sensors, and links to the others."""
    made = (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("30s")
        .readonly()
        .link(
            dashboard.DashboardLink("otmon")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(True)
            .keep_time(True)
        )
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("データ源 / Data source").type("prometheus")
        )
        .with_variable(
            dashboard.QueryVariable("instance")
            .label("センサ / Sensor")
            .datasource(SOURCE)
            .query("label_values(otmon_build_info, instance)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".+")
        )
    )
    for number_, panel in enumerate(panels, 1):
        made = made.with_panel(panel.id(number_))
    return made.build()
