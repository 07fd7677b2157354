/* Drawings of a model: the loss as it learned, errors on rows it never saw, and the replay of the past. */
import { day, hourMinute, number, signed } from "./format.js";
import { useZone } from "./hooks.js";
import { t } from "./messages.js";
import { niceTicks, timeTicks } from "./ticks.js";
import { DAY_US, scoreRange, scoreTicks } from "./training.js";
import { useWidth } from "./width.js";

const LEFT = 46;
const HEIGHT = 150;
const REPLAY_HEIGHT = 200;
const LANE = 26; // Alarms, under the scores.

/** Loss by epoch; nothing where a detector has none. */
export function LossCurve({ loss }) {
  const [box, width] = useWidth(360);
  if (loss.length < 2) return null;
  const ticks = niceTicks(0, Math.max(...loss), 3);
  const inner = Math.max(60, width - LEFT - 8);
  const x = (epoch) => LEFT + (epoch / (loss.length - 1)) * inner;
  const y = (value) => 8 + (1 - value / ticks.at(-1)) * (HEIGHT - 8);
  const said = t("models.loss_label", { epochs: loss.length, first: number(loss[0], 4), last: number(loss.at(-1), 4) });
  return (
    <figure className="model-chart" ref={box}>
      <figcaption>{t("models.loss")}</figcaption>
      <svg width={width} height={HEIGHT + 22} role="img" aria-label={said}>
        {ticks.map((tick) => <Grid key={tick} y={y(tick)} right={LEFT + inner} words={String(tick)} />)}
        <path className="chart-line" d={`M${loss.map((value, epoch) => `${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`).join("L")}`} />
        <text className="chart-label" x={LEFT} y={HEIGHT + 18}>{t("models.epoch", { epoch: 1 })}</text>
        <text className="chart-label" x={LEFT + inner} y={HEIGHT + 18} textAnchor="end">{t("models.epoch", { epoch: loss.length })}</text>
      </svg>
    </figure>
  );
}

/** Errors of the held-out rows beside the threshold, which stands at 1. */
export function ErrorHistogram({ bars }) {
  const [box, width] = useWidth(360);
  if (!bars.length) return null;
  const most = Math.max(...bars.map((bar) => bar.count), 1);
  const top = bars.at(-1).high;
  const inner = Math.max(60, width - LEFT - 8);
  const x = (value) => LEFT + (value / top) * inner;
  const y = (count) => 20 + (1 - count / most) * (HEIGHT - 20);
  const above = bars.filter((bar) => bar.low >= 1).reduce((sum, bar) => sum + bar.count, 0);
  const all = bars.reduce((sum, bar) => sum + bar.count, 0);
  return (
    <figure className="model-chart" ref={box}>
      <figcaption>{t("models.histogram")}</figcaption>
      <svg width={width} height={HEIGHT + 22} role="img" aria-label={t("models.histogram_label", { above: number(above), all: number(all) })}>
        {niceTicks(0, most, 3).filter((tick) => tick <= most).map((tick) => <Grid key={tick} y={y(tick)} right={LEFT + inner} words={number(tick)} />)}
        {bars.map((bar) => (
          <rect key={bar.low} className="model-bar" data-above={bar.low >= 1} x={x(bar.low) + 0.5} width={Math.max(1, x(bar.high) - x(bar.low) - 1)} y={y(bar.count)} height={HEIGHT - y(bar.count)} />
        ))}
        <path className="chart-limit" d={`M${x(1)} 14V${HEIGHT}`} />
        <text className="chart-note" x={x(1)} y={10} textAnchor={top > 1.6 ? "middle" : "end"}>{t("models.threshold")}</text>
        {[0, 0.5, 1].map((mark) => <text key={mark} className="chart-label" x={x(mark)} y={HEIGHT + 18} textAnchor="middle">{mark}</text>)}
      </svg>
    </figure>
  );
}

/** Scores of the past with the threshold at `point`, the failures there were, and the alarms it would have raised. */
export function ReplayChart({ backtest, point }) {
  const [box, width] = useWidth(480);
  const zone = useZone();
  const { begin_at, end_at, trace, troubles, points } = backtest;
  if (!trace.length) return null;
  const range = scoreRange(trace, points);
  const inner = Math.max(60, width - LEFT - 8);
  const x = (at) => LEFT + ((Math.min(Math.max(at, begin_at), end_at) - begin_at) / (end_at - begin_at)) * inner;
  const y = (score) => 4 + (1 - (Math.min(range.high, Math.max(range.low, score)) - range.low) / (range.high - range.low)) * (REPLAY_HEIGHT - 4);
  const said = t("models.replay_label", { alarms: point.alarms, seen: point.seen, missed: point.missed });
  return (
    <figure className="model-chart" ref={box}>
      <figcaption>{t("models.replay_score")}</figcaption>
      <svg width={width} height={REPLAY_HEIGHT + LANE + 24} role="img" aria-label={said}>
        {troubles.map((each, place) => (
          <rect key={each.begin_at} className="replay-trouble" data-seen={Boolean(point.is_seen[place])} x={x(each.begin_at)} width={Math.max(3, x(each.end_at) - x(each.begin_at))} y={4} height={REPLAY_HEIGHT - 4}>
            <title>{each.name}</title>
          </rect>
        ))}
        {scoreTicks(range.low, range.high).map(({ at, times }) => <Grid key={times} y={y(at)} right={LEFT + inner} words={t("models.times", { times: String(times) })} />)}
        <path className="chart-line" d={scorePath(trace, inner, y)} />
        <path className="chart-limit" d={`M${LEFT} ${y(point.shift)}H${LEFT + inner}`} />
        <text className="chart-note" x={LEFT + inner - 4} y={y(point.shift) - 5} textAnchor="end">{t("models.threshold")}</text>
        <text className="chart-label" x={LEFT - 8} y={REPLAY_HEIGHT + 17} textAnchor="end">{t("models.alarms")}</text>
        {point.episodes.map((each) => (
          <rect key={each.begin_at} className="replay-alarm" data-false={each.is_false} x={x(each.begin_at)} width={Math.max(3, x(each.end_at) - x(each.begin_at))} y={REPLAY_HEIGHT + 8} height={10} />
        ))}
        {timeTicks(begin_at, end_at, Math.max(2, Math.floor(inner / 80))).map((tick) => (
          <text key={tick} className="chart-label" x={x(tick)} y={REPLAY_HEIGHT + LANE + 16} textAnchor="middle">{end_at - begin_at > 2 * DAY_US ? day(tick, zone) : hourMinute(tick, zone)}</text>
        ))}
      </svg>
    </figure>
  );
}

function Grid({ y, right, words }) {
  return (
    <g>
      <path className="chart-grid" d={`M${LEFT} ${y}H${right}`} />
      <text className="chart-label" x={LEFT - 8} y={y + 4} textAnchor="end">{words}</text>
    </g>
  );
}

/* Parts that were not judged are gaps. */
function scorePath(trace, inner, y) {
  let path = "";
  let down = false;
  trace.forEach((score, place) => {
    if (score === null) {
      down = false;
      return;
    }
    path += `${down ? "L" : "M"}${(LEFT + ((place + 0.5) / trace.length) * inner).toFixed(1)} ${y(score).toFixed(1)}`;
    down = true;
  });
  return path;
}

/** "+28 %": how far a place of the slider is from the threshold in force. */
export const shiftWords = (shift) => (shift === 0 ? t("models.in_force_threshold") : t("models.shifted", { percent: signed(100 * (Math.exp(shift) - 1)) }));
