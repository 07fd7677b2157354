/* One machine as a box: its code, its state in words, and the state again as brightness. */
import { guarded } from "./guard.jsx";
import { Go } from "./parts.jsx";
import { useFrozen } from "./hooks.js";
import { QUALITY_BAD, useValue } from "./live.js";
import { t } from "./messages.js";

/** STATE_OF_NUMBER of pdm_app/domain/assets.py */
const STATES = { 0: "stopped", 1: "idle", 2: "running" };

/** Key of the words for the number of a state. */
export const stateKey = (number) => `state.${STATES[Math.round(number)] ?? "unknown"}`;

/** State of a machine now: "running", "idle", "stopped", "offline", or "unknown" until its first value. */
export function useMachineState(asset) {
  const sample = useValue(asset?.state_signal_id);
  if (!asset?.state_signal_id) return "none";
  if (!sample) return "unknown";
  if (sample.quality >= QUALITY_BAD) return "offline";
  return STATES[Math.round(sample.value)] ?? "unknown";
}

/** The shape of a state: bright disc, half disc, dark square, dotted ring. */
export function StateShape({ state, size = 14 }) {
  return (
    <svg className="state-shape" data-state={state} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">
      {state === "stopped" ? <rect x="2" y="2" width="12" height="12" /> : <circle cx="8" cy="8" r="6.4" />}
      {state === "idle" && <path d="M8 1.6A6.4 6.4 0 0 1 8 14.4Z" />}
    </svg>
  );
}

export const MachineBox = guarded(function MachineBox({ asset }) {
  const state = useMachineState(asset);
  const frozen = useFrozen();
  if (!asset?.id) return null;
  return (
    <Go to={`/asset/${asset.id}`} className="machine" data-state={state} data-frozen={frozen} title={`${asset.code} ${asset.name}`}>
      <span className="machine-code">{asset.code}</span>
      <span className="machine-state">{t(`state.${state}`)}</span>
    </Go>
  );
});

/** State of a machine in a line of text: shape and words. */
export function MachineState({ asset }) {
  const state = useMachineState(asset);
  const frozen = useFrozen();
  if (!asset?.id || state === "none") return null;
  return (
    <span className="machine-line" role="status" data-frozen={frozen}>
      <StateShape state={state} />
      <span className="strong">{t(`state.${state}`)}</span>
    </span>
  );
}
