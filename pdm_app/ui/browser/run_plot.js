/* Runs of one signal laid over each other, drawn with uPlot: time from their beginnings below, the band of the golden ones behind. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { decimalsOf, number, timer } from "./format.js";
import { keptInTheme, themeReader, zoomsBy } from "./plot_parts.js";
import { niceTicks, timeTicks } from "./ticks.js";
import { AXIS_WIDTH, FONT, translucent } from "./trend_plot.js";

const AXIS_HEIGHT = 24;
const TOP = 30; // The name stands above the first mark of the axis.
const BOTTOM = 8;
const RIGHT = 24; // Half of the last time.
const COLOURS = 6;
const DASHES = [undefined, [6, 4], [2, 3], [10, 3, 2, 3]]; // Twenty runs and six colours.

export const colourOf = (place) => (place % COLOURS) + 1;
const dashOf = (place) => DASHES[Math.floor(place / COLOURS) % DASHES.length];

function palette() {
  const read = themeReader();
  return {
    runs: [1, 2, 3, 4, 5, 6].map((place) => read(`--c${place}`)), grid: read("--line-soft"), axis: read("--control"), label: read("--text-2"),
    band: read("--accent"), envelope: Number(read("--envelope")) || 0.25,
  };
}

/** `runs` is [{is_golden}], `data` what `columnsOf` of run_series.js made. `view()` gives {from_s, to_s}; `on` has cursor(row), zoom(from_s, to_s), reset(). */
export function makeRunPlot(element, { width, height, runs, data, isLast, syncKey, view, on }) {
  let colours = palette();
  let marks = [];
  const edge = { stroke: "transparent", width: 0, points: { show: false } };
  const time = {
    size: AXIS_HEIGHT, gap: 4, font: FONT, stroke: () => colours.label, grid: { show: false },
    ticks: { show: true, size: 4, width: 1, stroke: () => colours.axis }, border: { show: true, width: 1, stroke: () => colours.axis },
    splits: (u) => timeTicks(view().from_s * 1e6, view().to_s * 1e6, Math.max(2, Math.floor(u.width / 110))).map((at) => at / 1e6),
    values: (_, splits) => splits.map(timer),
  };
  const plot = new uPlot(
    {
      width, height, padding: [TOP, RIGHT, isLast ? 0 : BOTTOM, 0], legend: { show: false }, pxAlign: 1,
      cursor: {
        y: false, sync: { key: syncKey, setSeries: false }, points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 5 }, bind: { dblclick: () => () => on.reset() },
      },
      scales: {
        x: { time: false, range: () => [view().from_s, view().to_s] },
        y: {
          range: (_, low, high) => {
            const air = low === null ? 0 : (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
            marks = low === null ? [] : niceTicks(low >= 0 && low - air < 0 ? 0 : low - air, high + air, Math.max(2, Math.round(height / 48)));
            return marks.length ? [marks[0], marks[marks.length - 1]] : [0, 1];
          },
        },
      },
      axes: [
        isLast ? time : { ...time, size: 0, values: () => [], ticks: { show: false } },
        {
          size: AXIS_WIDTH, gap: 6, font: FONT, stroke: () => colours.label, ticks: { show: false },
          grid: { show: true, width: 1, stroke: () => colours.grid }, splits: () => marks,
          values: (_, splits) => {
            const decimals = Math.max(0, ...splits.map((tick) => decimalsOf(tick, 6)));
            return splits.map((tick) => number(tick, decimals));
          },
        },
      ],
      series: [
        {}, edge, edge,
        ...runs.map((run, place) => ({
          stroke: () => colours.runs[colourOf(place) - 1], width: run.is_golden ? 3 : 1.5, dash: dashOf(place), points: { show: false },
          paths: uPlot.paths.linear(),
        })),
      ],
      bands: [{ series: [2, 1], fill: () => translucent(colours.band, colours.envelope) }],
      hooks: {
        setCursor: [(u) => on.cursor(u.cursor.idx)],
        setSelect: [zoomsBy(on.zoom)],
      },
    },
    data,
    element,
  );
  return keptInTheme(plot, () => { colours = palette(); });
}
