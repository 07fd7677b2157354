/* The lanes of the trend workspace: one plot for each unit, over one time, with alarms and notes under them. */
import { useEffect, useMemo, useRef, useState } from "react";
import { clock, day, number } from "./format.js";
import { useFrozen } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { listen } from "./trend_gestures.js";
import { AlarmLane } from "./trend_lane.jsx";
import { following, boundsOf, moved, still, zoomed } from "./trend_period.js";
import { AXIS_WIDTH } from "./trend_plot.js";
import { useWidth } from "./width.js";
import { NoteLane } from "./workspace_notes.jsx";
import { joinedOf, makeLane, meanRows, PLOT_RIGHT } from "./workspace_plot.js";
import { keyOf, lanesOf } from "./workspace_state.js";

const FOLLOW_MS = 1_000;
const LANE_HEIGHT = 160;
const LANE_ALONE = 340;

export function Lanes({ list, records, data, found, earlier, period, setPeriod, named, unitOf, decimalsOf, readouts, mark, marks, envelope, zone, earlier_s, assetIds, codeOf, notes, onNote, onHelp, full }) {
  const [frame, width] = useWidth(0);
  const frozen = useFrozen();
  const [now, setNow] = useState(() => link().clock.now());
  const { from, to } = boundsOf(period, now);
  const plots = useRef(new Map());
  const view = useRef(null);
  const spoken = useRef(null);
  view.current = { from, to, zone, marks, envelope };
  data.width.current = Math.max(50, width - AXIS_WIDTH - PLOT_RIGHT);
  const lanes = useMemo(() => lanesOf(list, unitOf), [list, unitOf]);
  useEffect(() => {
    if (!period.live || frozen) return undefined;
    const follow = () => setNow(link().clock.now());
    follow();
    const timer = setInterval(follow, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [period.live, period.span_us, frozen]);
  useEffect(() => {
    // At once, also while the server is asked: a gesture that has to wait for an answer is none.
    for (const plot of plots.current.values()) plot.setScale("x", { min: from / 1e6, max: to / 1e6 });
  }, [from, to]);
  useEffect(() => {
    for (const plot of plots.current.values()) plot.redraw(false, true);
  }, [marks, envelope]);

  /* The cursor moves, and what it meets is read out. */
  const speak = (by) => {
    const at = step(plots.current.values().next().value, by);
    if (at === null || !spoken.current) return;
    const values = list.map((series) => `${named(series)} ${readouts.current.get(keyOf(series))?.textContent ?? ""} ${unitOf(series)}`);
    spoken.current.textContent = [clock(at * 1e6, zone), ...values].join(", ");
  };
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = link().clock.now();
    const middle = (from + to) / 2;
    const any = plots.current.values().next().value;
    const cursor = any && any.cursor.left >= 0 ? any.posToVal(any.cursor.left, "x") * 1e6 : middle;
    const does = {
      "+": () => setPeriod((before) => zoomed(before, 0.5, cursor, at)), "-": () => setPeriod((before) => zoomed(before, 2, cursor, at)),
      "[": () => setPeriod((before) => moved(before, -0.5, at)), "]": () => setPeriod((before) => moved(before, 0.5, at)),
      l: () => setPeriod((before) => following(before.span_us)), m: () => mark(cursor),
      ArrowLeft: () => speak(event.shiftKey ? -10 : -1), ArrowRight: () => speak(event.shiftKey ? 10 : 1), f: full, "?": onHelp,
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    event.preventDefault();
    does();
  };
  const inner = Math.max(0, width - AXIS_WIDTH - PLOT_RIGHT);
  const x = (at) => AXIS_WIDTH + ((at - from) / (to - from)) * inner;
  return (
    <div className="workspace-lanes" ref={frame} tabIndex={0} role="application" aria-label={t("trends.label", { count: list.length })} onKeyDown={keys} data-loading={data.loading} data-frozen={frozen}>
      <div className="workspace-flags" aria-hidden="true">
        {["a", "b"].map((name) => marks[name] !== null && marks[name] >= from && marks[name] <= to && (
          <span key={name} className="workspace-flag" style={{ left: x(marks[name]) }}>{name.toUpperCase()} {to - from > 20 * 3600e6 ? `${day(marks[name], zone)} ` : ""}{clock(marks[name], zone)}</span>
        ))}
      </div>
      {width > 0 && lanes.map(({ unit, keys: mine }, place) => (
        <Lane
          key={`${unit} ${mine.join("|")}`} unit={unit} width={width} height={lanes.length === 1 ? LANE_ALONE : LANE_HEIGHT} isLast={place === lanes.length - 1} view={view} plots={plots}
          series={mine.map((key) => list.find((series) => keyOf(series) === key)).map((series) => ({
            key: keyOf(series), colour: series.colour, decimals: decimalsOf(series), unit,
            isStep: records.get(series.signal)?.shape === "step" || Boolean(found.get(keyOf(series))?.isStep),
            columns: found.get(keyOf(series)).columns, earlier: earlier_s ? earlier.get(keyOf(series)) : undefined,
          }))}
          version={found} place={place} readouts={readouts} setPeriod={setPeriod} mark={mark}
        />
      ))}
      {inner > 0 && lanes.length > 0 && assetIds.map((id) => <AlarmLane key={id} assetId={id} name={assetIds.length > 1 ? codeOf(id) : ""} from={from} to={to} settled={data.settled} left={AXIS_WIDTH} width={inner} />)}
      {inner > 0 && lanes.length > 0 && notes && <NoteLane notes={notes} from={from} to={to} left={AXIS_WIDTH} width={inner} onOpen={onNote} />}
      <p className="visually-hidden" aria-live="polite" ref={spoken} />
    </div>
  );
}

function step(plot, by) {
  if (!plot?.data[0].length) return null;
  const row = Math.min(plot.data[0].length - 1, Math.max(0, (plot.cursor.idx ?? plot.data[0].length) + by));
  plot.setCursor({ left: plot.valToPos(plot.data[0][row], "x"), top: 10 });
  return plot.data[0][row];
}

function Lane({ unit, width, height, series, isLast, view, plots, version, place, readouts, setPeriod, mark }) {
  const box = useRef(null);
  const plot = useRef(null);
  const newest = useRef(series);
  newest.current = series;
  const shape = series.map((each) => `${each.key}${each.earlier ? "+" : ""}${each.isStep ? "s" : ""}${each.colour}`).join("|");
  useEffect(() => {
    const made = makeLane(box.current, {
      width, height: height + (isLast ? 24 : 0), series: newest.current, data: joinedOf(newest.current), isLast, syncKey: "workspace", view: () => view.current,
      on: {
        cursor: (row, at) => say(row, at, newest.current, readouts.current), mark,
        zoom: (from, to) => setPeriod(still(from, to, link().clock.now())),
        reset: () => setPeriod((before) => following(before.span_us)),
      },
    });
    plot.current = made;
    plots.current.set(unit, made);
    const time = (clientX) => made.posToVal(clientX - made.over.getBoundingClientRect().left, "x") * 1e6;
    const leave = listen(made.over, time, {
      zoom: (factor, at) => setPeriod((before) => zoomed(before, factor, at, link().clock.now())),
      move: (share) => setPeriod((before) => moved(before, share, link().clock.now())),
    });
    return () => {
      leave();
      plots.current.delete(unit);
      made.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made once per shape and size; all else flows through refs
  }, [shape, height, isLast, unit]);
  useEffect(() => {
    plot.current?.setSize({ width, height: height + (isLast ? 24 : 0) });
  }, [width, height, isLast]);
  useEffect(() => {
    // Each lane takes an answer in a task of its own: together they would hold up a frame.
    const timer = setTimeout(() => plot.current?.setData(joinedOf(newest.current), true), place);
    return () => clearTimeout(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- a lane keeps its place
  }, [version]);
  return (
    <div className="workspace-lane">
      <span className="workspace-unit caption">{unit}</span>
      <div ref={box} className="trend-plot" />
    </div>
  );
}

/* The values under the cursor, beside the names; off the chart the newest stay. */
function say(row, plot, series, readouts) {
  const rows = meanRows(series);
  series.forEach((each, place) => {
    const readout = readouts.get(each.key);
    if (!readout) return;
    const values = plot.data[rows[place]];
    let at = row;
    while (at > 0 && values?.[at] === undefined) at -= 1; // Between two points of this series the last one stands.
    const value = row === null || row === undefined ? null : values?.[at];
    readout.dataset.at = value === null || value === undefined ? "" : "cursor";
    readout.textContent = value === null || value === undefined ? (readout.dataset.live ?? "") : number(value, each.decimals);
  });
}
