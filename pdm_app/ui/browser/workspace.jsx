/* The trend workspace: up to eight signals and expressions by unit over one time, two marks with figures between them. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { clock, day, duration, number, quantity, unitSymbol } from "./format.js";
import { usePlaces } from "./directory.js";
import { Check } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useFrozen, useZone } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { listen } from "./trend_gestures.js";
import { AlarmLane } from "./trend_lane.jsx";
import { AXIS_WIDTH } from "./trend_plot.js";
import { usePeriodInAddress } from "./trend_history.js";
import { boundsOf, following, moved, SPANS_S, still, zoomed } from "./trend_period.js";
import { useWidth } from "./width.js";
import { useRecords, useWorkspaceData } from "./workspace_data.js";
import { WorkspaceFigures } from "./workspace_figures.jsx";
import { joinedOf, makeLane, meanRows, PLOT_RIGHT } from "./workspace_plot.js";
import { SeriesList } from "./workspace_series.jsx";
import { added, csvOf, keyOf, lanesOf, marked, removed, viewOf, withView } from "./workspace_state.js";

const FOLLOW_MS = 1_000;
const ADDRESS_MS = 300;
const LANE_HEIGHT = 160;
const LANE_ALONE = 340;
const SPAN_S = 3_600;
const NO_MARKS = { a: null, b: null };
const EARLIER_S = [0, 86_400, 604_800];

/** The view, kept in the page's address: [view, change]. */
function useView() {
  const [view, setView] = useState(() => viewOf(new URLSearchParams(globalThis.location.search)));
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = useCallback((how) => setView((before) => {
    const after = { ...before, ...how(before) };
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      const query = withView(after, new URLSearchParams(globalThis.location.search));
      globalThis.history.replaceState(globalThis.history.state, "", `?${query}`);
    }, ADDRESS_MS);
    return after;
  }), []);
  return [view, change];
}

/** What it shows stands in the address, which only a browser has: nothing is drawn while the page is built. */
export const TrendWorkspace = guarded(function TrendWorkspace() {
  const [isInBrowser, setIsInBrowser] = useState(false);
  useEffect(() => setIsInBrowser(true), []);
  return isInBrowser ? <Workspace /> : <Skeleton height={320} />;
});

function Workspace() {
  const [view, change] = useView();
  const [period, setPeriod] = usePeriodInAddress(SPAN_S);
  const [envelope, setEnvelope] = useState(true);
  const [showAlarms, setShowAlarms] = useState(true);
  const places = usePlaces();
  const zone = useZone();
  const { records, missing } = useRecords(view.list);
  const first = view.list.map((series) => records.get(series.signal)).find(Boolean);
  const home = first?.asset_id ?? null;
  const data = useWorkspaceData(view.list, home, period, view.earlier_s);
  const readouts = useRef(new Map());
  const named = useCallback((series) => {
    const record = records.get(series.signal);
    const code = places.get(record?.asset_id)?.asset.code ?? "";
    return record ? `${code} ${record.label}`.trim() : (series.formula ?? t("trends.unknown", { number: series.signal }));
  }, [records, places]);
  const unitOf = useCallback((series) => unitSymbol(records.get(series.signal)?.unit ?? "1") || data.found.get(keyOf(series))?.unit || "", [records, data.found]);
  const decimalsOf = (series) => records.get(series.signal)?.decimals ?? 2;
  const add = (series) => change(({ list }) => ({ list: added(list, series) }));
  const drop = (key) => change(({ list }) => ({ list: removed(list, key) }));
  const mark = useCallback((at) => change(({ marks }) => ({ marks: marked(marks, Math.round(at)) })), [change]);
  const save = () => download(csvOf(view.list.map(named), view.list.map((series) => data.found.get(keyOf(series))?.columns ?? [[], [], [], []])));
  const drawn = view.list.filter((series) => data.found.get(keyOf(series))?.columns);
  return (
    <div className="workspace">
      <aside className="card workspace-side">
        <SeriesList {...{ list: view.list, records, missing, found: data.found, named, unitOf, decimalsOf, readouts, add, drop }} home={home} />
        <fieldset className="workspace-overlay">
          <legend>{t("trends.overlay")}</legend>
          <Check label={t("trend.alarms")} checked={showAlarms} onChange={(event) => setShowAlarms(event.target.checked)} />
          <Check label={t("trends.envelope")} checked={envelope} onChange={(event) => setEnvelope(event.target.checked)} />
          <label className="field">
            <span className="field-label">{t("trends.earlier")}</span>
            <select className="input" value={view.earlier_s} onChange={(event) => change(() => ({ earlier_s: Number(event.target.value) }))}>
              {EARLIER_S.map((seconds) => <option key={seconds} value={seconds}>{t("trends.earlier_of", { seconds })}</option>)}
            </select>
          </label>
        </fieldset>
      </aside>
      <section className="card workspace-main">
        <header className="workspace-head">
          <div className="segments" role="group" aria-label={t("trend.span")}>
            {SPANS_S.map((seconds) => (
              <button key={seconds} type="button" className="segment" aria-pressed={period.live && period.span_us === seconds * 1e6} onClick={() => setPeriod(following(seconds * 1e6))}>{duration(seconds)}</button>
            ))}
          </div>
          <button type="button" className="button button-icon" aria-label={t("trends.back")} onClick={() => setPeriod((before) => moved(before, -0.5, link().clock.now()))}>‹</button>
          <button type="button" className="button button-icon" aria-label={t("trends.forth")} onClick={() => setPeriod((before) => moved(before, 0.5, link().clock.now()))}>›</button>
          {!period.live && <button type="button" className="button" onClick={() => setPeriod(following(period.span_us))}>{t("trend.live")}</button>}
          <span className="note-actions push">
            {(view.marks.a !== null || view.marks.b !== null) && <button type="button" className="link" onClick={() => change(() => ({ marks: NO_MARKS }))}>{t("trends.no_marks")}</button>}
            <button type="button" className="link" disabled={!drawn.length} onClick={save}>{t("trends.csv")}</button>
            <ShareLink />
          </span>
        </header>
        {data.error && <ErrorNote what={t("trends.failed")} error={data.error} again={data.again} compact />}
        {view.list.length === 0 && <EmptyNote title={t("trends.empty")} text={t("trends.empty_hint")} />}
        {view.list.length > 0 && (
          <Lanes {...{ list: drawn, records, data, period, setPeriod, unitOf, decimalsOf, readouts, mark, envelope, zone }} marks={view.marks} earlier_s={view.earlier_s} assetId={showAlarms ? home : null} />
        )}
        {view.list.length > 0 && data.settled && (
          <p className="trend-foot caption">
            <span>{t("trends.cost", { tiers: tiersOf(data.found), read: number(data.points_read), drawn: number([...data.found.values()].reduce((sum, one) => sum + (one.columns?.[0].length ?? 0), 0)), took: number(data.took_ms, 0) })}</span>
            <span>{t("trends.keys")}</span>
          </p>
        )}
        {drawn.length > 0 && <WorkspaceFigures {...{ list: drawn, found: data.found, marks: view.marks, settled: data.settled, named, unitOf, decimalsOf, zone }} />}
      </section>
    </div>
  );
}

function tiersOf(found) {
  return [...new Set([...found.values()].map((one) => one.tier).filter(Boolean))].join(", ") || t("trends.reckoned");
}

function download(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  const anchor = Object.assign(document.createElement("a"), { href: address, download: "trend.csv" });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(address), 1_000);
}

function ShareLink() {
  const [copied, setCopied] = useState(false);
  if (!globalThis.navigator?.clipboard) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(globalThis.location.href);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return <button type="button" className="link" onClick={copy}>{t(copied ? "trends.copied" : "trends.share")}</button>;
}

function Lanes({ list, records, data, period, setPeriod, unitOf, decimalsOf, readouts, mark, marks, envelope, zone, earlier_s, assetId }) {
  const [frame, width] = useWidth(0);
  const frozen = useFrozen();
  const [now, setNow] = useState(() => link().clock.now());
  const { from, to } = boundsOf(period, now);
  const plots = useRef(new Map());
  const view = useRef(null);
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
      ArrowLeft: () => step(any, event.shiftKey ? -10 : -1), ArrowRight: () => step(any, event.shiftKey ? 10 : 1),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!does) return;
    event.preventDefault();
    does();
  };
  const x = (at) => AXIS_WIDTH + ((at - from) / (to - from)) * Math.max(0, width - AXIS_WIDTH - PLOT_RIGHT);
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
            isStep: records.get(series.signal)?.shape === "step" || Boolean(data.found.get(keyOf(series))?.isStep),
            columns: data.found.get(keyOf(series)).columns, earlier: earlier_s ? data.earlier.get(keyOf(series)) : undefined,
          }))}
          version={data.version} readouts={readouts} setPeriod={setPeriod} mark={mark}
        />
      ))}
      {assetId && width > 0 && lanes.length > 0 && <AlarmLane assetId={assetId} from={from} to={to} settled={data.settled} left={AXIS_WIDTH} width={Math.max(0, width - AXIS_WIDTH - PLOT_RIGHT)} />}
    </div>
  );
}

function step(plot, by) {
  if (!plot?.data[0].length) return;
  const row = Math.min(plot.data[0].length - 1, Math.max(0, (plot.cursor.idx ?? plot.data[0].length) + by));
  plot.setCursor({ left: plot.valToPos(plot.data[0][row], "x"), top: 10 });
}

function Lane({ unit, width, height, series, isLast, view, plots, version, readouts, setPeriod, mark }) {
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
    plot.current?.setData(joinedOf(newest.current), true);
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
