/* The drawing of a trend with uPlot: envelope, mean, normal band, limits, axes in the zone of the site. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, day, decimalsOf, exact, hourMinute, number } from "./format.js";
import { t } from "./messages.js";
import { keptInTheme, themeReader, zoomsBy } from "./plot_parts.js";
import { niceTicks, timeTicks } from "./ticks.js";

export const FONT = '12px "Inter", system-ui, sans-serif';
const AXIS_HEIGHT = 24;
export const AXIS_WIDTH = 54;
const TOP = 10;
const RIGHT = 12;

/** Colours of the theme in force, as a canvas needs them. */
function palette() {
  const read = themeReader();
  return {
    line: read("--c1"), grid: read("--line-soft"), axis: read("--control"), label: read("--text-2"), ink: read("--text-1"),
    band: read("--band"), live: read("--live"), surface: read("--surface"), envelope: Number(read("--envelope")) || 0.25,
  };
}

/** Marks of the value axis, the outer ones its ends: the data, the normal band, every limit that would not crush them. */
export function valueMarks(low, high, signal, limits) {
  let bottom = Math.min(low, signal.normal_low ?? low);
  let top = Math.max(high, signal.normal_high ?? high);
  const span = top - bottom || Math.abs(top) || 1;
  for (const { limit } of limits) {
    if (limit > bottom - 3 * span && limit < top + 3 * span) {
      bottom = Math.min(bottom, limit);
      top = Math.max(top, limit);
    }
  }
  const air = (top - bottom) * 0.08 || 1;
  return niceTicks(bottom >= 0 && bottom - air < 0 ? 0 : bottom - air, top + air, 5);
}

/** `view()` gives {signal, limits, zone, from, to}; `on` has cursor(index), zoom(from_us, to_us). */
export function makePlot(element, { width, height, columns, view, on }) {
  let colours = palette();
  let marks = [];
  const plot = new uPlot(
    {
      width, height, padding: [TOP, RIGHT, 0, 0], legend: { show: false }, pxAlign: 1,
      cursor: {
        y: false, points: { size: 7, fill: () => colours.line, stroke: () => colours.surface, width: 1.5 },
        drag: { x: true, y: false, setScale: false, dist: 5 }, bind: { dblclick: () => () => on.reset() },
      },
      select: { show: true },
      scales: {
        x: { time: false, range: () => [view().from / 1e6, view().to / 1e6] },
        y: {
          range: (_, low, high) => {
            marks = low === null ? [] : valueMarks(low, high, view().signal, view().limits);
            return marks.length ? [marks[0], marks[marks.length - 1]] : [0, 1];
          },
        },
      },
      axes: [xAxis(() => colours, view), yAxis(() => colours, view, () => marks)],
      series: [
        {},
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
        {
          stroke: () => colours.line, width: 1.75, points: { show: false },
          paths: (...given) => (view().signal.shape === "step" ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.linear())(...given),
        },
      ],
      bands: [{ series: [2, 1], fill: () => translucent(colours.line, colours.envelope) }],
      hooks: {
        drawClear: [(u) => drawBand(u, colours, view())],
        draw: [(u) => nameBand(u, colours, view()), (u) => drawLimits(u, colours, view()), (u) => drawEnd(u, colours, view())],
        setCursor: [(u) => on.cursor(u.cursor.idx)],
        setSelect: [zoomsBy((from, to) => on.zoom(from * 1e6, to * 1e6))],
      },
    },
    columns,
    element,
  );
  return keptInTheme(plot, () => { colours = palette(); });
}

/* The band as it looks on the surface at 0.6 opacity. */
function mixed(over, under) {
  const part = (colour, at) => parseInt(colour.slice(at, at + 2), 16);
  return `rgb(${[1, 3, 5].map((at) => Math.round(part(over, at) * 0.6 + part(under, at) * 0.4)).join(", ")})`;
}

export function translucent(colour, opacity) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${opacity})`;
}

export function xAxis(colours, view) {
  return {
    size: AXIS_HEIGHT, gap: 4, font: FONT, stroke: () => colours().label, grid: { show: false },
    ticks: { show: true, size: 4, width: 1, stroke: () => colours().axis }, border: { show: true, width: 1, stroke: () => colours().axis },
    splits: (u) => {
      const { from, to, zone } = view();
      return timeTicks(from, to, Math.max(2, Math.floor(u.width / 110)), zoneOffset((from + to) / 2, zone)).map((at) => at / 1e6);
    },
    values: (_, splits) => {
      const { from, to, zone } = view();
      const say = to - from <= 600e6 ? clock : to - from <= 36 * 3600e6 ? hourMinute : day;
      return splits.map((at) => say(at * 1e6, zone));
    },
  };
}

function yAxis(colours, view, marks) {
  return {
    size: AXIS_WIDTH, gap: 6, font: FONT, stroke: () => colours().label, ticks: { show: false },
    grid: { show: true, width: 1, stroke: () => colours().grid },
    splits: () => marks(),
    values: (_, splits) => {
      const decimals = Math.min(view().signal.decimals ?? 2, Math.max(0, ...splits.map((tick) => decimalsOf(tick, 6))));
      return splits.map((tick) => number(tick, decimals));
    },
  };
}

/** Distance of a zone from UTC at a time, microseconds. */
export function zoneOffset(at, zone) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(at / 1000);
  const part = (type) => Number(parts.find((each) => each.type === type).value);
  const local_ms = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return (local_ms - Math.floor(at / 1e6) * 1000) * 1000;
}

/* Canvas pixels of the normal band: {upper, lower}; null where it is unknown or off the chart. */
function bandOf(u, signal) {
  if (signal.normal_low == null && signal.normal_high == null) return null;
  const { top, height } = u.bbox;
  const y = (value) => Math.min(top + height, Math.max(top, u.valToPos(value, "y", true)));
  const upper = signal.normal_high == null ? top : y(signal.normal_high);
  const lower = signal.normal_low == null ? top + height : y(signal.normal_low);
  return lower > upper ? { upper, lower } : null;
}

function drawBand(u, colours, { signal }) {
  const band = bandOf(u, signal);
  if (!band) return;
  u.ctx.save();
  u.ctx.globalAlpha = 0.6;
  u.ctx.fillStyle = colours.band;
  u.ctx.fillRect(u.bbox.left, band.upper, u.bbox.width, band.lower - band.upper);
  u.ctx.restore();
}

function nameBand(u, colours, { signal }) {
  const band = bandOf(u, signal);
  if (!band || band.lower - band.upper < 18 * uPlot.pxRatio) return;
  const words = signal.normal_low == null
    ? t("trend.normal_below", { high: exact(signal.normal_high) })
    : signal.normal_high == null
      ? t("trend.normal_above", { low: exact(signal.normal_low) })
      : t("trend.normal", { low: exact(signal.normal_low), high: exact(signal.normal_high) });
  write(u, words, u.bbox.left + 6 * uPlot.pxRatio, band.lower - 5 * uPlot.pxRatio, colours.label, mixed(colours.band, colours.surface));
}

function drawLimits(u, colours, { limits }) {
  const { left, top, width, height } = u.bbox;
  const ratio = uPlot.pxRatio;
  for (const { limit, kind, name } of limits) {
    const y = Math.round(u.valToPos(limit, "y", true)) + 0.5;
    if (y < top || y > top + height) continue;
    u.ctx.save();
    u.ctx.strokeStyle = colours.ink;
    u.ctx.lineWidth = ratio;
    u.ctx.setLineDash([5 * ratio, 4 * ratio]);
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
    u.ctx.restore();
    const below = kind === "low" && y + 18 * ratio < top + height;
    write(u, `${name ?? ""} ${exact(limit)}`.trim(), left + 6 * ratio, y + (below ? 14 : -5) * ratio, colours.label, colours.surface);
  }
}

/* A dot at the newest value, with the value beside it while the trend is live. */
function drawEnd(u, colours, { signal, live }) {
  if (!live) return;
  const [times, , , mean] = u.data;
  let index = times.length - 1;
  while (index >= 0 && mean[index] === null) index -= 1;
  if (index < 0) return;
  const ratio = uPlot.pxRatio;
  const x = u.valToPos(times[index], "x", true);
  const y = u.valToPos(mean[index], "y", true);
  u.ctx.save();
  u.ctx.fillStyle = colours.line;
  u.ctx.strokeStyle = colours.surface;
  u.ctx.lineWidth = 1.5 * ratio;
  u.ctx.beginPath();
  u.ctx.arc(x, y, 3.6 * ratio, 0, 2 * Math.PI);
  u.ctx.fill();
  u.ctx.stroke();
  u.ctx.restore();
  // Beside the line, not on it: above or below everything within the width of the label.
  const near = mean.slice(0, index + 1).filter((value, at) => value !== null && x - u.valToPos(times[at], "x", true) < 64 * ratio);
  const top = u.valToPos(Math.max(...near), "y", true) - 12 * ratio;
  const bottom = u.valToPos(Math.min(...near), "y", true) + 22 * ratio;
  write(u, number(mean[index], signal.decimals), x - 4 * ratio, top - 14 * ratio > u.bbox.top ? top : bottom, colours.live, colours.surface, "600 14px", "right");
}

function write(u, words, x, y, colour, halo, weight = "12px", align = "left") {
  const [boldness, size] = weight.includes(" ") ? weight.split(" ") : ["400", weight];
  u.ctx.save();
  u.ctx.font = `${boldness} ${parseFloat(size) * uPlot.pxRatio}px "Inter", system-ui, sans-serif`;
  u.ctx.textAlign = align;
  u.ctx.textBaseline = "alphabetic";
  u.ctx.lineJoin = "round";
  u.ctx.lineWidth = 3 * uPlot.pxRatio;
  u.ctx.strokeStyle = halo;
  u.ctx.strokeText(words, x, y); // A halo keeps grid lines out of the letters.
  u.ctx.fillStyle = colour;
  u.ctx.fillText(words, x, y);
  u.ctx.restore();
}
