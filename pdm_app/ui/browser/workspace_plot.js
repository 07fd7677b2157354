/* One lane of the trend workspace, drawn with uPlot: several series of one unit over a shared time and a shared cursor. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { decimalsOf, number } from "./format.js";
import { keptInTheme, themeReader, zoomsBy } from "./plot_parts.js";
import { niceTicks } from "./ticks.js";
import { AXIS_WIDTH, FONT, translucent, xAxis } from "./trend_plot.js";

export const PLOT_RIGHT = 12;
const TOP = 22; // The unit stands above the first mark of the axis.
const BOTTOM = 8;
const COLUMNS = 3; // low, high, mean
const DASH = [4, 4];

function palette() {
  const read = themeReader();
  return {
    series: [1, 2, 3, 4, 5, 6].map((place) => read(`--c${place}`)), grid: read("--line-soft"), axis: read("--control"), label: read("--text-2"),
    accent: read("--accent"), surface: read("--surface"), envelope: Number(read("--envelope")) || 0.25,
  };
}

/** Columns of all series of a lane over one time; where a series has no point it is joined across, a null stays a gap. */
export function joinedOf(series) {
  const tables = series.flatMap(({ columns, earlier }) => [columns, ...(earlier ? [earlier] : [])]);
  return tables.length ? uPlot.join(tables) : [[]];
}

/**
 * `series` is [{key, colour, isStep, earlier}], `data` what `joinedOf` made of it. `view()` gives {from, to, zone, marks,
 * envelope}. `on` has cursor(row, plot), zoom(from, to), reset(), mark(at).
 */
export function makeLane(element, { width, height, series, data, isLast, syncKey, view, on }) {
  let colours = palette();
  let marks = [];
  const lines = series.flatMap((each) => [each, ...(each.earlier ? [{ ...each, isEarlier: true }] : [])]);
  const stroke = (line) => () => colours.series[(line.colour - 1) % colours.series.length];
  const silent = { stroke: "transparent", width: 0, points: { show: false } };
  const drawn = (line) => ({
    stroke: stroke(line), width: line.isEarlier ? 1.25 : 1.75, dash: line.isEarlier ? DASH : undefined, points: { show: false },
    paths: line.isStep ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear(),
  });
  const time = xAxis(() => colours, view);
  const plot = new uPlot(
    {
      width, height, padding: [TOP, PLOT_RIGHT, isLast ? 0 : BOTTOM, 0], legend: { show: false }, pxAlign: 1,
      cursor: {
        y: false, sync: { key: syncKey, setSeries: false }, points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 5 }, bind: { dblclick: () => () => on.reset() },
      },
      scales: {
        x: { time: false, range: () => [view().from / 1e6, view().to / 1e6] },
        y: {
          range: (_, low, high) => {
            const air = low === null ? 0 : (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
            marks = low === null ? [] : niceTicks(low >= 0 && low - air < 0 ? 0 : low - air, high + air, Math.max(2, Math.round(height / 48)));
            return marks.length ? [marks[0], marks[marks.length - 1]] : [0, 1];
          },
        },
      },
      axes: [isLast ? time : { ...time, size: 0, values: () => [], ticks: { show: false } }, yAxis(() => colours, () => marks)],
      series: [{}, ...lines.flatMap((line) => [silent, silent, drawn(line)])],
      bands: lines.map((line, place) => ({
        series: [place * COLUMNS + 2, place * COLUMNS + 1],
        fill: () => (view().envelope && !line.isEarlier ? translucent(stroke(line)(), colours.envelope) : "transparent"),
      })),
      hooks: {
        draw: [(u) => drawMarks(u, colours, view())],
        setCursor: [(u) => on.cursor(u.cursor.idx, u)],
        setSelect: [zoomsBy((from, to) => on.zoom(from * 1e6, to * 1e6))],
      },
    },
    data,
    element,
  );
  let pressedAt = null;
  const down = (event) => { pressedAt = event.clientX; };
  const click = (event) => {
    if (pressedAt === null || Math.abs(event.clientX - pressedAt) > 4) return; // A drag zooms.
    on.mark(plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, "x") * 1e6);
  };
  plot.over.addEventListener("pointerdown", down);
  plot.over.addEventListener("click", click);
  return keptInTheme(plot, () => { colours = palette(); });
}

/** Row of the column with the means of each series, in the order of `series`; for reading a value under the cursor. */
export function meanRows(series) {
  let place = 0;
  return series.map((each) => {
    const row = place * COLUMNS + 3;
    place += each.earlier ? 2 : 1;
    return row;
  });
}

function yAxis(colours, marks) {
  return {
    size: AXIS_WIDTH, gap: 6, font: FONT, stroke: () => colours().label, ticks: { show: false },
    grid: { show: true, width: 1, stroke: () => colours().grid }, splits: () => marks(),
    values: (_, splits) => {
      const decimals = Math.max(0, ...splits.map((tick) => decimalsOf(tick, 6)));
      return splits.map((tick) => number(tick, decimals));
    },
  };
}

function drawMarks(u, colours, { marks }) {
  const { left, top, width, height } = u.bbox;
  for (const at of [marks.a, marks.b]) {
    if (at === null) continue;
    const x = Math.round(u.valToPos(at / 1e6, "x", true)) + 0.5;
    if (x < left || x > left + width) continue;
    u.ctx.save();
    u.ctx.strokeStyle = colours.accent;
    u.ctx.lineWidth = uPlot.pxRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(x, top);
    u.ctx.lineTo(x, top + height);
    u.ctx.stroke();
    u.ctx.restore();
  }
}
