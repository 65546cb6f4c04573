import { init } from "echarts";
import type { EChartsOption } from "echarts";

import type { Interval } from "../measure/statistics.ts";

/** A plot, as a file beside the page. */
export interface Plot {
  /** Name of the file, without its ending. */
  readonly name: string;
  /** What is seen, for who does not see it. */
  readonly alt: string;
  readonly svg: string;
}

const WIDTH = 860;
const FEW_LINES = 3;
const FONT = "system-ui, sans-serif";
const INTERVAL_COLOUR = "#93c5fd";
const COLOURS = ["#2563eb", "#ea580c", "#059669", "#9333ea", "#64748b", "#db2777", "#ca8a04"];

/** A ratio with its interval, one line each, beside a mark for 1 and for what is aimed at. */
export function ratioPlot(
  name: string,
  alt: string,
  rows: readonly { readonly title: string; readonly ratio: number; readonly interval: Interval }[],
  aim?: number,
): Plot {
  const mark = (xAxis: number, color: string, show: boolean) => ({
    xAxis,
    lineStyle: { color },
    label: { show, position: "start" as const, formatter: `aim ${xAxis}` },
  });
  const marks = [mark(1, "#64748b", false)];
  if (aim !== undefined) marks.push(mark(aim, "#dc2626", true));
  const ends = rows.flatMap(({ interval }) => [interval.low, interval.high, 1, aim ?? 1]);
  return drawn(name, alt, 70 + 24 * rows.length, {
    grid: { left: 330, right: 40, top: 30, bottom: 40 },
    xAxis: {
      type: "value",
      min: Math.floor(Math.min(...ends) * 20 - 0.5) / 20,
      max: Math.ceil(Math.max(...ends) * 20 + 0.5) / 20,
      name: "× bare",
      nameLocation: "middle",
      nameGap: 24,
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ title }) => title),
      axisLabel: { interval: 0, width: 315, overflow: "truncate" },
    },
    series: [
      {
        type: "custom",
        data: rows.map(({ interval }, index) => [index, interval.low, interval.high]),
        renderItem: (_params, api) => {
          const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = [1, 2].map((column) =>
            api.coord([api.value(column), api.value(0)]),
          );
          const style = { stroke: INTERVAL_COLOUR, lineWidth: 3 };
          return { type: "line", shape: { x1, y1, x2, y2 }, style };
        },
      },
      {
        type: "scatter",
        symbolSize: 9,
        data: rows.map(({ ratio }, index) => [ratio, index]),
        markLine: { symbol: "none", data: marks, silent: true },
      },
    ],
  });
}

/** Lines over a common axis. */
export function linePlot(
  name: string,
  alt: string,
  axes: { readonly x: string; readonly y: string; readonly logarithmic?: boolean },
  lines: readonly {
    readonly title: string;
    readonly points: readonly (readonly [number, number])[];
  }[],
): Plot {
  const data = lines.map(({ title }) => title);
  // One under the other where they would not stand in a row.
  const beside = lines.length > FEW_LINES;
  return drawn(name, alt, 320, {
    legend: beside
      ? { right: 0, top: 30, orient: "vertical", data }
      : { top: 0, itemGap: 40, data },
    grid: { left: 80, right: beside ? 360 : 40, top: 40, bottom: 50 },
    xAxis: {
      type: axes.logarithmic === true ? "log" : "value",
      name: axes.x,
      nameLocation: "middle",
      nameGap: 28,
    },
    yAxis: { type: "value", name: axes.y, nameLocation: "middle", nameGap: 50, min: 0 },
    series: lines.map(({ title, points }) => ({
      type: "line",
      name: title,
      data: points.map((point) => [...point]),
    })),
  });
}

/** Bars in groups: one group a category, one bar a series. */
export function barPlot(
  name: string,
  alt: string,
  unit: string,
  categories: readonly string[],
  series: readonly { readonly title: string; readonly values: readonly number[] }[],
): Plot {
  return drawn(name, alt, 300, {
    legend: { top: 0, itemGap: 40, data: series.map(({ title }) => title) },
    grid: { left: 80, right: 40, top: 40, bottom: 40 },
    xAxis: { type: "category", data: [...categories], axisLabel: { interval: 0 } },
    yAxis: { type: "value", name: unit, nameLocation: "middle", nameGap: 50 },
    series: series.map(({ title, values }) => ({
      type: "bar",
      name: title,
      data: [...values],
      label: { show: true, position: "top", formatter: ({ value }) => Number(value).toFixed(1) },
    })),
  });
}

function drawn(name: string, alt: string, height: number, option: EChartsOption): Plot {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: "#ffffff",
      color: COLOURS,
      textStyle: { fontFamily: FONT },
      ...option,
    });
    return { name, alt, svg: `${renamed(chart.renderToSVGString(), name)}\n` };
  } finally {
    chart.dispose();
  }
}

/** Names in a plot count all charts of the process; the same figures must give the same file. */
function renamed(svg: string, name: string): string {
  const names = new Map<string, string>();
  return svg.replaceAll(/\bzr\d+-[\w-]+/g, (given) => {
    const kept = names.get(given) ?? `${name}-${names.size}`;
    names.set(given, kept);
    return kept;
  });
}
