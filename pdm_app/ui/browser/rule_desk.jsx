/* A rule from where its value is looked at: a right click, a long press or the menu key on any value of the page opens a menu, and that the
   form with a proposed limit. `RuleOffer` buttons and the key A on a trend do the same without a pointer. */
import { useEffect, useRef, useState } from "react";
import { ActError } from "./acknowledge.jsx";
import { NEW_RULE, RuleSheet } from "./alarm_rule_sheet.jsx";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { live } from "./live.js";
import { t } from "./messages.js";
import { askRule, offers, signalUnder } from "./rule_offers.js";
import { useStore } from "./use_store.js";

const MENU_WIDTH = 240;
const MENU_HEIGHT = 96;

/** `onChanged` is told when a rule was made. */
export const RuleDesk = guarded(function RuleDesk({ mayConfigure = false, onChanged }) {
  const { asked } = useStore(offers);
  const [draft, setDraft] = useState(null); // {rule, signals, proposal}
  const [error, setError] = useState(null);
  useEffect(() => {
    offers.set({ ready: mayConfigure, asked: null });
    if (!mayConfigure) return undefined;
    const menu = (event) => {
      const signalId = signalUnder(event.target);
      if (signalId === null || event.target.closest("dialog, input, textarea, select")) return;
      event.preventDefault();
      const number = live.get(signalId)?.value;
      askRule(signalId, { value: typeof number === "number" ? number : null, at: placeOf(event) });
    };
    document.addEventListener("contextmenu", menu);
    return () => {
      document.removeEventListener("contextmenu", menu);
      offers.set({ ready: false, asked: null });
    };
  }, [mayConfigure]);
  const close = () => {
    offers.patch({ asked: null });
    setDraft(null);
    setError(null);
  };
  const isMenu = asked?.at != null;
  useEffect(() => {
    if (!asked || isMenu) return undefined;
    let left = false;
    setError(null);
    draftOf(asked).then((made) => left || setDraft(made), (refused) => left || setError(refused));
    return () => {
      left = true;
    };
  }, [asked, isMenu]);
  if (!asked) return null;
  if (isMenu) return <Menu at={asked.at} onChoose={() => offers.patch({ asked: { ...asked, at: null } })} onClose={close} />;
  if (error) return <div className="rule-refused note" role="alert"><ActError error={error} /><button type="button" className="button" onClick={close}>{t("action.close")}</button></div>;
  if (!draft) return null;
  return <RuleSheet rule={draft.rule} signals={draft.signals} basis={draft.basis} onStale={() => {}} onClose={close} onSaved={async () => { close(); await onChanged?.(); }} />;
});

/* The menu key has no pointer: the menu stands at the element then. */
function placeOf(event) {
  if (event.clientX || event.clientY) return { x: event.clientX, y: event.clientY };
  const box = event.target.getBoundingClientRect();
  return { x: box.left, y: box.bottom };
}

/* What the form begins with. */
async function draftOf({ signalId, value }) {
  const [proposal, signal] = await Promise.all([
    link().query("alarm_rules.proposed", value === null ? { signal_id: signalId } : { signal_id: signalId, value }),
    link().query("signals.by_id", { signal_id: signalId }),
  ]);
  const others = await link().query("signals.list", { asset_id: signal.asset_id });
  const { kind, limit, deadband, abnormal, on_delay_s, off_delay_s, basis } = proposal;
  const condition = kind === "discrete" ? { kind, abnormal } : { kind, limit, deadband };
  const name = t("rules.proposed_name", { name: signal.label, kind });
  return { rule: { ...NEW_RULE, signal_id: signalId, name, condition, on_delay_s, off_delay_s }, signals: others, basis };
}

function Menu({ at, onChoose, onClose }) {
  const menu = useRef(null);
  useEffect(() => {
    menu.current?.querySelector("button")?.focus();
    const outside = (event) => !menu.current?.contains(event.target) && onClose();
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", onClose);
    return () => {
      document.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", onClose);
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `onClose` is another function each time
  }, []);
  const keys = (event) => {
    if (event.key !== "Escape" && event.key !== "Tab") return;
    event.preventDefault();
    onClose();
  };
  const left = Math.max(8, Math.min(at.x, window.innerWidth - MENU_WIDTH - 8));
  const top = Math.max(8, Math.min(at.y, window.innerHeight - MENU_HEIGHT));
  return (
    <div className="value-menu" role="menu" aria-label={t("rules.of_value")} ref={menu} style={{ left, top, width: MENU_WIDTH }} onKeyDown={keys}>
      <button type="button" role="menuitem" className="value-menu-item" onClick={onChoose}>{t("rules.alarm_me")}</button>
    </div>
  );
}
