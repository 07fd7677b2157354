/* A small button beside a value that asks for an alarm rule on it: what a right click does, for keyboards and fingers. */
import { live } from "./live.js";
import { t } from "./messages.js";
import { askRule, offers } from "./rule_offers.js";
import { useStore } from "./use_store.js";

/** Nothing for those who may make no rules, and on pages without a rule desk. */
export function RuleOffer({ signal, className = "rule-offer" }) {
  const { ready } = useStore(offers);
  if (!ready || !signal?.id || signal.data_type === "text") return null;
  const ask = () => {
    const number = live.get(signal.id)?.value;
    askRule(signal.id, { value: typeof number === "number" ? number : null });
  };
  return (
    <button type="button" className={className} onClick={ask} aria-label={t("rules.alarm_me_named", { name: signal.label })} title={t("rules.alarm_me_named", { name: signal.label })}>
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d="M5 13.5V9a5 5 0 0 1 10 0v4.5l1.5 1.5h-13zM8.5 17h3" /></svg>
    </button>
  );
}
