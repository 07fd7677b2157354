/* One live value: number and unit, or what kept it from being one. */
import { clock, duration, number, quantity, unitName, unitSymbol, MISSING } from "./format.js";
import { useFrozen, useLinkStatus, useNow, useZone } from "./hooks.js";
import { live, QUALITY_BAD, QUALITY_UNCERTAIN, useValue } from "./live.js";
import { usePlaces } from "./directory.js";
import { stateKey } from "./machine_box.jsx";
import { t } from "./messages.js";
import { Skeleton } from "./parts.jsx";
import { inUnits, measure } from "./units_shown.js";

const QUALITY_KEYS = {
  0: "quality.good", 100: "quality.uncertain", 101: "quality.clamped", 200: "quality.bad", 201: "quality.connection_lost",
  202: "quality.device_failure", 203: "quality.configuration", 204: "quality.not_a_number", 205: "quality.waiting",
  206: "quality.stale",
};

/** The quality code in words. */
export function qualityText(quality) {
  return t(QUALITY_KEYS[quality] ?? (quality >= QUALITY_BAD ? "quality.bad" : "quality.uncertain"));
}

/** Write a value as its signal wants it, without the unit. */
export function valueText(value, signal) {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === "string") return value;
  if (signal.data_type === "boolean") return t(value ? "value.on" : "value.off");
  return number(value, signal.decimals ?? 1);
}

/**
 * What a widget shows of a signal now: {sample, shown, state}. `shown` is the value to write, in the reader's units, the last good one while
 * the newest is bad; `state` is "waiting", "good", "uncertain", "bad" or "frozen".
 */
export function useReading(signal) {
  const sample = useValue(signal?.id);
  const frozen = useFrozen();
  if (!sample) return { sample: null, shown: null, state: "waiting" };
  const isBad = sample.quality >= QUALITY_BAD;
  const shown = measure(signal, isBad ? (sample.good?.value ?? null) : sample.value);
  if (isBad) return { sample, shown, state: "bad" };
  if (frozen) return { sample, shown, state: "frozen" };
  return { sample, shown, state: sample.quality >= QUALITY_UNCERTAIN ? "uncertain" : "good" };
}

/** ⊘ and how old the value is; stands where a live value has nothing to say. */
export function ValueAge({ reading }) {
  const now = useNow();
  const link = useLinkStatus();
  const { sample, state } = reading;
  if (now === null || !sample || (state !== "bad" && state !== "frozen")) return null;
  const since = sample.good?.source_at ?? sample.source_at;
  const age_s = state === "frozen" ? Math.max(link.age_s, (now - since) / 1e6) : (now - since) / 1e6;
  const why = state === "frozen" ? t("quality.frozen") : qualityText(sample.quality);
  return (
    <span className="value-age" title={why}>
      <svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true"><circle cx="8" cy="8" r="6.2" /><path d="M3.7 12.3L12.3 3.7" /></svg>
      {since ? duration(age_s) : t("quality.never")}
      <span className="visually-hidden">{why}</span>
    </span>
  );
}

/** `size`: "body", "title", "big" or "hero". `signal` is a record of the registry with id, unit, decimals, data_type. */
export function LiveValue({ signal: given, size = "title", showUnit = true, showAge = true }) {
  const signal = inUnits(given);
  const reading = useReading(signal);
  const zone = useZone();
  const place = usePlaces().get(signal?.asset_id);
  if (!signal?.id) return null;
  const { sample, shown, state } = reading;
  const isState = place?.asset.state_signal_id === signal.id;
  const symbol = showUnit && typeof shown !== "string" && signal.data_type !== "boolean" && !isState ? unitSymbol(signal.unit) : "";
  if (state === "waiting") {
    return (
      <span className="value" data-size={size} data-state={live.errorOf(signal.id) ? "bad" : "waiting"}>
        <span className="value-number">{live.errorOf(signal.id) ? MISSING : <Skeleton width="3.2em" height="0.8em" />}</span>
      </span>
    );
  }
  const full = typeof shown === "number" ? quantity(shown, signal.decimals ?? 1, signal.unit) : valueText(shown, signal);
  const title = `${full}, ${unitName(signal.unit)}\n${qualityText(sample.quality)}, ${clock(sample.source_at, zone)}`;
  return (
    <span className="value" data-size={size} data-state={state} data-signal={signal.id} data-at={sample.source_at} title={title}>
      <span className="value-number">{isState && typeof shown === "number" ? t(stateKey(shown)) : valueText(shown, signal)}</span>
      {symbol && shown !== null && <span className="value-unit">{symbol}</span>}
      {state === "uncertain" && <span className="value-doubt" title={qualityText(sample.quality)}>≈</span>}
      {showAge && <ValueAge reading={reading} />}
    </span>
  );
}
