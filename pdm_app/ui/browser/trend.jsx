/* The trend of one signal: past as min-max envelope with its gaps, present as it arrives, alarms in a lane below. */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { clock, day, duration, number, quantity, unitSymbol } from "./format.js";
import { guarded } from "./guard.jsx";
import { useFrozen, useZone } from "./hooks.js";
import { limitsOf } from "./key_value.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { RuleOffer } from "./rule_offer.jsx";
import { askRule } from "./rule_offers.js";
import { listen } from "./trend_gestures.js";
import { AlarmLane } from "./trend_lane.jsx";
import { AXIS_WIDTH, makePlot } from "./trend_plot.js";
import { TrendTable } from "./trend_table.jsx";
import { useFittingSpan, usePeriodInAddress, useTrendHistory } from "./trend_history.js";
import { boundsOf, following, moved, SPANS_S, still, zoomed } from "./trend_period.js";
import { inUnits, unmeasured } from "./units_shown.js";
import { useWidth } from "./width.js";

const FOLLOW_MS = 1_000; // How often a live trend moves on.
const PLOT_RIGHT = 12;

/** `signal` and `rules` are records; `spanS` is the span at first; `height` that of the plot in pixels. */
export const Trend = guarded(function Trend({ signal: given, rules = [], height = 280, spanS = 3600, showLane = true }) {
  const [period, setPeriod, fitPeriod] = usePeriodInAddress(spanS);
  const [asTable, setAsTable] = useState(false);
  const signal = inUnits(given);
  const history = useTrendHistory(signal, period);
  useFittingSpan(history, period, fitPeriod);
  if (!signal?.id) return null;
  const unit = unitSymbol(signal.unit);
  return (
    <figure className="trend" data-signal={signal.id}>
      <figcaption className="trend-head">
        <h2>{signal.label}</h2>
        <span className="caption">{[unit, span(period)].filter(Boolean).join(", ")}</span>
        <div className="trend-tools push">
          <div className="segments" role="group" aria-label={t("trend.span")}>
            {SPANS_S.map((seconds) => (
              <button key={seconds} type="button" className="segment" aria-pressed={period.live && period.span_us === seconds * 1e6} onClick={() => setPeriod(following(seconds * 1e6))}>
                {duration(seconds)}
              </button>
            ))}
          </div>
          {!period.live && (
            <button type="button" className="button" onClick={() => setPeriod(following(spanS * 1e6))}>{t("trend.live")}</button>
          )}
          <RuleOffer signal={signal} />
          <button type="button" className="link" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>{t(asTable ? "trend.as_chart" : "trend.as_table")}</button>
        </div>
      </figcaption>
      {asTable
        ? <TrendTable signal={signal} columns={history.columns} height={height + 24} />
        : <Chart {...{ signal, rules, height, spanS, period, setPeriod, history, showLane }} />}
      <Footer signal={signal} history={history} />
    </figure>
  );
});

function span({ live: isLive, from, to, span_us }) {
  return isLive ? t("trend.last", { span: duration(span_us / 1e6) }) : duration((to - from) / 1e6);
}

function Chart({ signal, rules, height, spanS, period, setPeriod, history, showLane }) {
  const plotBox = useRef(null);
  const plot = useRef(null);
  const readout = useRef(null);
  const spoken = useRef(null);
  const [frame, width] = useWidth(0);
  const zone = useZone();
  const frozen = useFrozen();
  const [now, setNow] = useState(() => link().clock.now());
  const limits = useMemo(() => limitsOf(signal, rules), [signal, rules]);
  const { from, to } = boundsOf(period, now);
  const view = useRef(null);
  view.current = { signal, limits, zone, from, to, live: period.live };
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
        zoom: (start, end) => setPeriod(still(start, end, link().clock.now())),
        reset: () => setPeriod(following(spanS * 1e6)),
      },
    });
    plot.current = made;
    const time = (clientX) => made.posToVal(clientX - made.over.getBoundingClientRect().left, "x") * 1e6;
    const menu = (event) => {
      if (!event.clientX && !event.clientY) return; // The menu key: the value itself is meant, not a height.
      const height = made.posToVal(event.clientY - made.over.getBoundingClientRect().top, "y");
      const asked = askRule(signal.id, { value: unmeasured(signal, height), at: { x: event.clientX, y: event.clientY } });
      if (asked) event.preventDefault(), event.stopPropagation();
    };
    made.over.addEventListener("contextmenu", menu);
    const leave = listen(made.over, time, {
      zoom: (factor, at) => setPeriod((before) => zoomed(before, factor, at, link().clock.now())),
      move: (share) => setPeriod((before) => moved(before, share, link().clock.now())),
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
    if (!period.live || frozen) return undefined; // A frozen trend stands still; moving on would invent a gap.
    const follow = () => setNow(link().clock.now());
    follow();
    const timer = setInterval(follow, FOLLOW_MS);
    return () => clearInterval(timer);
  }, [period.live, period.span_us, frozen]);

  const keys = (event) => pressed(event, { plot: plot.current, signal, period, setPeriod, spanS, say });
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

/* Arrows move the cursor from point to point, + and − zoom, [ and ] step, L goes live, A asks for an alarm rule, Escape resets. */
function pressed(event, { plot, signal, period, setPeriod, spanS, say }) {
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
  const middle = (boundsOf(period, now).from + boundsOf(period, now).to) / 2;
  const does = {
    ArrowLeft: () => step(event.shiftKey ? -10 : -1),
    ArrowRight: () => step(event.shiftKey ? 10 : 1),
    Home: () => step(-times.length),
    End: () => step(times.length),
    "+": () => setPeriod(zoomed(period, 0.5, middle, now)),
    "-": () => setPeriod(zoomed(period, 2, middle, now)),
    "[": () => setPeriod(moved(period, -0.5, now)),
    "]": () => setPeriod(moved(period, 0.5, now)),
    l: () => setPeriod(following(period.span_us)),
    a: () => askRule(signal.id, { value: unmeasured(signal, mean[plot.cursor.idx ?? times.length - 1]) }),
    Escape: () => setPeriod(following(spanS * 1e6)),
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
