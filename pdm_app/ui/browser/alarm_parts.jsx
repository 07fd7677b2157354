/* How an alarm is said in a few words: strip, badge, note; and the value that raised it. */
import { byUrgency, isOwn, needsAcknowledging, SHAPE_OF_STATE, useAlarms, useWorst } from "./alarms.js";
import { usePlaces, useSignal } from "./directory.js";
import { number, quantity } from "./format.js";
import { guarded } from "./guard.jsx";
import { t } from "./messages.js";
import { Age, Go, Moment, Skeleton } from "./parts.jsx";
import { PriorityShape } from "./priority_shape.jsx";
import { inUnits, limitIn, measure } from "./units_shown.js";

const PRIORITIES = [1, 2, 3, 4];

/** The value that raised an alarm beside its limit, in the unit of its signal; nothing for the product's own, which has none. */
export const ValueAndLimit = ({ alarm }) => (isOwn(alarm) ? null : <OfSignal alarm={alarm} />);

function OfSignal({ alarm }) {
  const signal = inUnits(useSignal(alarm.asset_id, alarm.signal_id));
  const decimals = signal?.decimals ?? 2;
  return (
    <span className="alarm-value">
      {alarm.value !== null && <span className="alarm-value-number">{quantity(measure(signal, alarm.value), decimals, signal?.unit ?? "1")}</span>}{" "}
      <span className="quiet">{alarm.limit === null ? t("rules.kinds", { kind: alarm.kind }) : t("alarm.limit", { limit: number(limitIn(signal, alarm.limit), decimals) })}</span>
    </span>
  );
}

/** The code of an alarm's machine, or its id until the directory is known. */
export function useCode(alarm) {
  return usePlaces().get(alarm?.asset_id)?.asset.code ?? alarm?.asset_id ?? "";
}

// --- the strip in the top bar -------------------------------------------------------------------------------------

export const AlarmStrip = guarded(function AlarmStrip({ siteId = "" }) {
  const { alarms, loaded, error } = useAlarms(siteId);
  const worst = alarms.find(needsAcknowledging);
  const code = useCode(worst);
  const count = (test) => alarms.filter(test).length;
  const open = PRIORITIES.map((priority) => [priority, count((alarm) => alarm.priority === priority && SHAPE_OF_STATE[alarm.state] !== "returned")]);
  const returned = alarms.filter((alarm) => SHAPE_OF_STATE[alarm.state] === "returned");
  return (
    <Go to="/alarms" className="alarm-strip" data-calm={!worst} aria-label={t("strip.label")}>
      {!loaded && !error && <Skeleton width={180} />}
      {error && !loaded && <span className="quiet">{t("strip.unknown")}</span>}
      {loaded && (
        <span className="strip-worst" aria-live="polite">
          {worst ? (
            <>
              <PriorityShape priority={worst.priority} state={SHAPE_OF_STATE[worst.state]} size={18} />
              <span className="strip-text">{code} {worst.name}</span>
              <span className="strip-age"><Age since={worst.raised_at} brief /></span>
            </>
          ) : (
            <span className="quiet">{alarms.length ? t("strip.all_acknowledged") : t("strip.none")}</span>
          )}
        </span>
      )}
      {loaded && <StripBrief alarms={alarms} />}
      {loaded && (
        <span className="strip-counts">
          {open.map(([priority, number_]) => (
            <Count key={priority} priority={priority} state={number_ ? "acked" : "none"} count={number_} />
          ))}
          {returned.length > 0 && <Count priority={returned.sort(byUrgency)[0].priority} state="returned" count={returned.length} />}
        </span>
      )}
    </Go>
  );
});

/* On a phone: the worst shape with the count of what is owed, or else of what stands. */
function StripBrief({ alarms }) {
  const [worst] = alarms;
  if (!worst) return <span className="strip-brief quiet">{t("strip.none")}</span>;
  const owed = alarms.filter(needsAcknowledging).length;
  return (
    <span className="strip-brief">
      <PriorityShape priority={worst.priority} state={SHAPE_OF_STATE[worst.state]} size={18} />
      <span>{owed || alarms.length}</span>
    </span>
  );
}

function Count({ priority, state, count }) {
  return (
    <span className="strip-count" data-zero={count === 0}>
      <PriorityShape priority={priority} state={state} size={15} label={t("strip.count", { count, priority, state })} />
      <span aria-hidden="true">{count}</span>
    </span>
  );
}

/** The counts alone, for the head of the phone's alarm list. */
export function AlarmCounts({ siteId = "" }) {
  const { alarms } = useAlarms(siteId);
  const returned = alarms.filter((alarm) => SHAPE_OF_STATE[alarm.state] === "returned");
  return (
    <div className="alarm-counts card">
      {PRIORITIES.map((priority) => {
        const count = alarms.filter((alarm) => alarm.priority === priority && SHAPE_OF_STATE[alarm.state] !== "returned").length;
        return <Count key={priority} priority={priority} state={count ? "acked" : "none"} count={count} />;
      })}
      {returned.length > 0 && <Count priority={returned[0].priority} state="returned" count={returned.length} />}
    </div>
  );
}

// --- a tile's corner and foot ---------------------------------------------------------------------------------------

/** Shape and one word for the worst alarm of some machines; "No alarms" otherwise. */
export const AlarmBadge = guarded(function AlarmBadge({ lineAssets = [] }) {
  const { worst, loaded } = useWorst(lineAssets.map((asset) => asset.id));
  if (!loaded) return <span className="alarm-badge" />;
  if (!worst) return <span className="alarm-badge caption">{t("badge.none")}</span>;
  const shape = SHAPE_OF_STATE[worst.state];
  return (
    <span className="alarm-badge" data-state={shape}>
      <PriorityShape priority={worst.priority} state={shape} size={18} />
      {shape === "returned" && <span aria-hidden="true">↩</span>}
      <span>{t(`badge.${shape}`)}</span>
    </span>
  );
});

/** The worst alarm of some machines in words, leading to it; or that nothing is abnormal. */
export const AlarmNote = guarded(function AlarmNote({ lineAssets = [] }) {
  const { worst, count, loaded } = useWorst(lineAssets.map((asset) => asset.id));
  const code = useCode(worst);
  if (!loaded) return <div className="alarm-note"><Skeleton width="60%" /></div>;
  if (!worst) {
    return (
      <div className="alarm-note">
        <p className="alarm-note-title">{t("note.nothing")}</p>
        <p className="caption">{t("note.nothing_text")}</p>
      </div>
    );
  }
  return (
    <Go to={`/asset/${worst.asset_id}?tab=alarms`} className="alarm-note alarm-note-link">
      <span>
        <span className="alarm-note-title">{code} {worst.name}</span>
        <span className="caption alarm-note-text">
          <Moment at={worst.raised_at} />, <ValueAndLimit alarm={worst} />
          {count > 1 && <>, {t("note.more", { count: count - 1 })}</>}
        </span>
      </span>
      <Chevron />
    </Go>
  );
});

export function Chevron({ open = false }) {
  return (
    <svg className="chevron" data-open={open} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M6 3.5L10.5 8L6 12.5" />
    </svg>
  );
}
