/* The trend of one signal: past as min-max envelope with its gaps, present as it arrives, alarms in a lane below. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { clock, day, duration, number, quantity, unitSymbol } from "./format.js";
import { guarded } from "./guard.jsx";
import { useFrozen, useZone } from "./hooks.js";
import { limitsOf } from "./key_value.jsx";
import { link } from "./link.js";
import { live } from "./live.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { listen } from "./trend_gestures.js";
import { AlarmLane } from "./trend_lane.jsx";
import { AXIS_WIDTH, makePlot } from "./trend_plot.js";
import { append, columnsOf, gapOf } from "./trend_series.js";
import { TrendTable } from "./trend_table.jsx";
import { boundsOf, following, moved, SPANS_S, still, zoomed } from "./trend_window.js";
import { useWidth } from "./width.js";

const SETTLE_MS = 150; // A gesture is over when it has rested this long; only then the server is asked.
const FOLLOW_MS = 1_000; // How often a live trend moves on.
const RELOAD_SHARE = 0.25; // A live trend asks again when a quarter of it has come as single points.
const PLOT_RIGHT = 12;

/** `signal` and `rules` are records; `spanS` is the span at first; `height` that of the plot in pixels. */
export const Trend = guarded(function Trend({ signal, rules = [], height = 280, spanS = 3600, showLane = true }) {
  const [window, setWindow] = useState(() => following(spanS * 1e6));
  const [asTable, setAsTable] = useState(false);
  const history = useHistory(signal, window);
  useFittingSpan(history, window, setWindow);
  if (!signal?.id) return null;
  const unit = unitSymbol(signal.unit);
  return (
    <figure className="trend" data-signal={signal.id}>
      <figcaption className="trend-head">
        <h2>{signal.label}</h2>
        <span className="caption">{[unit, span(window)].filter(Boolean).join(", ")}</span>
        <div className="trend-tools push">
          <div className="segments" role="group" aria-label={t("trend.span")}>
            {SPANS_S.map((seconds) => (
              <button key={seconds} type="button" className="segment" aria-pressed={window.live && window.span_us === seconds * 1e6} onClick={() => setWindow(following(seconds * 1e6))}>
                {duration(seconds)}
              </button>
            ))}
          </div>
          {!window.live && (
            <button type="button" className="button" onClick={() => setWindow(following(spanS * 1e6))}>{t("trend.live")}</button>
          )}
          <button type="button" className="link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{t(asTable ? "trend.as_chart" : "trend.as_table")}</button>
        </div>
      </figcaption>
      {asTable
        ? <TrendTable signal={signal} columns={history.columns} height={height + 24} />
        : <Chart {...{ signal, rules, height, spanS, window, setWindow, history, showLane }} />}
      <Footer signal={signal} history={history} />
    </figure>
  );
});

/* A plant that has just started has no hour to show: at first, the shortest span that holds all there is. */
function useFittingSpan(history, window, setWindow) {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || !history.settled) return;
    done.current = true;
    const index = history.columns[3].findIndex((value) => value !== null);
    if (index < 0 || !window.live) return;
    const covered_s = (history.settled.to - history.columns[0][index] * 1e6) / 1e6;
    const fitting = SPANS_S.find((seconds) => seconds >= covered_s) ?? SPANS_S[0];
    if (fitting * 1e6 < window.span_us) setWindow(following(fitting * 1e6));
  }, [history.settled, history.columns, window, setWindow]);
}

function span({ live: isLive, from, to, span_us }) {
  return isLive ? t("trend.last", { span: duration(span_us / 1e6) }) : duration((to - from) / 1e6);
}

/* What the server knows of the window, plus the samples that came since. `version` counts every change of the columns. */
function useHistory(signal, window) {
  const [state, setState] = useState({ columns: [[], [], [], []], series: null, answer: null, error: null, loading: true, version: 0, settled: null });
  const [round, setRound] = useState(0);
  const width = useRef(1000);
  const kept = useRef(state);
  kept.current = state;
  const id = signal?.id;
  const key = window.live ? `live ${window.span_us}` : `${window.from} ${window.to}`;
  useEffect(() => {
    if (!id) return undefined;
    const abort = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    const timer = setTimeout(async () => {
      const now = link().clock.now();
      const { from, to } = boundsOf(window, now);
      const settled = { from: Math.max(0, Math.round(from)), to: Math.round(Math.min(to, now)) };
      try {
        const answer = await link().query("history.envelope", {
          signals: [id], start_at: settled.from, end_at: Math.max(settled.to, settled.from + 1), buckets: Math.max(50, Math.round(width.current)),
        }, { signal: abort.signal });
        const series = answer.series[0];
        setState((before) => ({ columns: columnsOf(series), series, answer, error: null, loading: false, version: before.version + 1, settled }));
      } catch (error) {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error, loading: false }));
      }
    }, SETTLE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the content of `window`
  }, [id, key, round]);

  const again = useCallback(() => setRound((count) => count + 1), []);
  useEffect(() => {
    if (!id || !window.live) return undefined;
    let tail = 0;
    const take = () => {
      const { series, columns } = kept.current;
      const sample = live.get(id);
      if (!series || !sample || typeof sample.value === "string") return;
      if (!append(columns, sample.source_at, sample.quality < 200 ? sample.value : null, gapOf(series))) return;
      tail += 1;
      if (tail > RELOAD_SHARE * Math.max(200, columns[0].length)) {
        tail = 0;
        again();
      }
    };
    return live.watch(id, take);
  }, [id, window.live, window.span_us, again]);
  return { ...state, width, again };
}

function Chart({ signal, rules, height, spanS, window, setWindow, history, showLane }) {
  const plotBox = useRef(null);
  const plot = useRef(null);
  const readout = useRef(null);
  const spoken = useRef(null);
  const [frame, width] = useWidth(0);
  const zone = useZone();
  const frozen = useFrozen();
  const [now, setNow] = useState(() => link().clock.now());
  const limits = useMemo(() => limitsOf(signal, rules), [signal, rules]);
  const { from, to } = boundsOf(window, now);
  const view = useRef(null);
  view.current = { signal, limits, zone, from, to, live: window.live };
  history.width.current = Math.max(50, width - AXIS_WIDTH - PLOT_RIGHT);

  const say = useCallback((index, aloud) => {
    const words = reading(plot.current?.data, index, view.current);
    if (readout.current) readout.current.textContent = words;
    if (aloud && spoken.current) spoken.current.textContent = words;
  }, []);

  useEffect(() => {
    if (!width || !plotBox.current) return undefined;
    const made = makePlot(plotBox.current, {
      width, height, columns: history.columns, view: () => view.current,
      on: {
        cursor: (index) => say(index, false),
        zoom: (start, end) => setWindow(still(start, end, link().clock.now())),
        reset: () => setWindow(following(spanS * 1e6)),
      },
    });
    plot.current = made;
    const time = (clientX) => made.posToVal(clientX - made.over.getBoundingClientRect().left, "x") * 1e6;
    const leave = listen(made.over, time, {
      zoom: (factor, at) => setWindow((before) => zoomed(before, factor, at, link().clock.now())),
      move: (share) => setWindow((before) => moved(before, share, link().clock.now())),
    });
    return () => {
      leave();
      made.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made once per size and signal; all else flows through refs
  }, [width > 0, height, signal.id]);

  useEffect(() => {
    if (width && plot.current) plot.current.setSize({ width, height });
  }, [width, height]);
  useEffect(() => {
    plot.current?.setData(history.columns, true);
  }, [history.version, history.columns, from, to, limits]);
  useEffect(() => {
    if (!window.live || frozen) return undefined; // A frozen trend stands still; moving on would invent a gap.
    const follow = () => setNow(link().clock.now());
    follow();
    const timer = setInterval(follow, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [window.live, window.span_us, frozen]);

  const keys = (event) => pressed(event, { plot: plot.current, window, setWindow, spanS, say });
  const isEmpty = !history.loading && !history.error && history.series && !history.columns[3].some((value) => value !== null);
  return (
    <div className="trend-body" ref={frame} data-loading={history.loading} data-frozen={frozen}>
      <p className="trend-readout caption" ref={readout} aria-hidden="true" />
      <p className="visually-hidden" aria-live="polite" ref={spoken} />
      {history.error && <ErrorNote what={t("trend.failed", { name: signal.label })} error={history.error} again={history.again} compact />}
      {!history.series && !history.error && <div className="trend-skeleton" style={{ height }}><Skeleton height={height} /></div>}
      {isEmpty && <div className="trend-empty"><EmptyNote title={t("trend.empty")} text={t("trend.empty_text")} /></div>}
      <div
        className="trend-plot" ref={plotBox} style={{ height }} tabIndex={0} onKeyDown={keys} role="application" aria-roledescription={t("trend.role")}
        aria-label={t("trend.label", { name: signal.label, unit: unitSymbol(signal.unit) })}
      />
      {showLane && width > 0 && (
        <AlarmLane assetId={signal.asset_id} from={from} to={to} settled={history.settled} left={AXIS_WIDTH} width={Math.max(0, width - AXIS_WIDTH - PLOT_RIGHT)} />
      )}
    </div>
  );
}

/** "10:42:18   3.68 mm/s (3.41 to 3.92)" at a point of the chart; empty off it. */
function reading(data, index, { signal, zone, from, to }) {
  if (!data || index === null || index === undefined) return "";
  const [times, low, high, mean] = data;
  if (mean[index] === null || mean[index] === undefined) return "";
  const at = times[index] * 1e6;
  const when = to - from > 20 * 3600e6 ? `${day(at, zone)} ${clock(at, zone)}` : clock(at, zone);
  const value = quantity(mean[index], signal.decimals, signal.unit);
  const range = low[index] === high[index] ? "" : t("trend.range", { low: number(low[index], signal.decimals), high: number(high[index], signal.decimals) });
  return `${when}\u2003${value} ${range}`.trim();
}

/* Arrows move the cursor from point to point, + and − zoom, [ and ] step, L goes live, Escape resets. */
function pressed(event, { plot, window, setWindow, spanS, say }) {
  if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
  const now = link().clock.now();
  const [times, , , mean] = plot.data;
  const step = (by) => {
    let index = plot.cursor.idx ?? times.length;
    do index += Math.sign(by);
    while (index > 0 && index < times.length - 1 && mean[index] === null);
    index = Math.min(times.length - 1, Math.max(0, index + by - Math.sign(by)));
    if (!times.length) return;
    plot.setCursor({ left: plot.valToPos(times[index], "x"), top: 10 });
    say(index, true);
  };
  const middle = (boundsOf(window, now).from + boundsOf(window, now).to) / 2;
  const does = {
    ArrowLeft: () => step(event.shiftKey ? -10 : -1),
    ArrowRight: () => step(event.shiftKey ? 10 : 1),
    Home: () => step(-times.length),
    End: () => step(times.length),
    "+": () => setWindow(zoomed(window, 0.5, middle, now)),
    "-": () => setWindow(zoomed(window, 2, middle, now)),
    "[": () => setWindow(moved(window, -0.5, now)),
    "]": () => setWindow(moved(window, 0.5, now)),
    l: () => setWindow(following(window.span_us)),
    Escape: () => setWindow(following(spanS * 1e6)),
  }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!does) return;
  event.preventDefault();
  event.stopPropagation();
  does();
}

function Footer({ signal, history }) {
  const { answer, series } = history;
  if (!answer || !series) return <p className="trend-foot caption" />;
  return (
    <p className="trend-foot caption">
      <span>
        {t("trend.cost", { tier: series.tier, read: number(answer.points_read), drawn: number(series.at.length), took: number(answer.took_ms, answer.took_ms < 10 ? 1 : 0) })}
      </span>
      <span>{series.bucket_us ? t("trend.envelope", { bucket: bucketText(series.bucket_us) }) : signal.shape === "step" ? t("trend.step") : t("trend.raw")}</span>
    </p>
  );
}

function bucketText(bucket_us) {
  return bucket_us >= 1e6 ? duration(bucket_us / 1e6) : `${number(bucket_us / 1000)}\u00a0ms`;
}
