/* The form of an alarm rule: its condition, why it is there, what it would have done in the last month, and the last day beside it. */
import { useRef, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { BacktestNote } from "./alarm_backtest.jsx";
import { ConditionFields } from "./alarm_condition.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { LimitChart } from "./limit_chart.jsx";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { changesOf, ruleOf, suppressionsOf } from "./plant_edit.js";

const PRIORITIES = [1, 2, 3, 4];
const LEVELS = ["minor", "moderate", "major", "severe"];
const TIMES = ["over_30_min", "10_to_30_min", "3_to_10_min", "under_3_min"];
const FIELDS = ["signal_id", "name", "condition", "priority", "on_delay_s", "off_delay_s", "cause", "consequence", "action", "shelve_s_max", "suppressions"];
export const NEW_RULE = {
  name: "", condition: { kind: "high", limit: null, deadband: 0 }, priority: 3, on_delay_s: 0, off_delay_s: 0, comment_required: false, cause: "", consequence: "", action: "",
  latching: false, ack_required: true, alarm_class: "", group: "", first_out: false, shelvable: true, shelve_s_max: 28_800, suppressions: [], consequence_level: null, respond_within: null, owner_role: "",
};

/**
 * A stale save is refused with who was first; the next one sends the same changes to what is there by then. `basis` says where a proposed
 * limit comes from.
 */
export function RuleSheet({ rule, signals, basis, onStale, onClose, onSaved }) {
  const opened = useRef(rule);
  const form = useRef(null);
  const [typed, setTyped] = useState(rule); // What the form says, for the chart beside it; what counts is the form.
  const { run, busy, error } = useAct();
  const isNew = rule.id === undefined;
  const first = opened.current;
  const said = () => {
    const data = new FormData(form.current);
    const suppressions = suppressionsOf(first.suppressions ?? [], String(data.get("silent") ?? ""));
    return { ...ruleOf(data), suppressions, signal_id: isNew ? Number(data.get("signal_id")) : first.signal_id };
  };
  // A field that an input brings or takes away is there after this event, not in it.
  const read = () => setTimeout(() => form.current && setTyped(said()));
  const put = (name, value) => {
    const field = form.current.elements.namedItem(name);
    if (field) field.value = value;
    read();
  };
  const submit = (event) => {
    event.preventDefault();
    const reason = String(new FormData(form.current).get("reason") ?? "").trim();
    run(async () => {
      const { signal_id, ...facts } = said();
      try {
        if (isNew) await link().mutate("alarm_rules.create", { ...facts, signal_id });
        else await link().mutate("alarm_rules.change", { rule_id: rule.id, revision: rule.revision, reason, ...changesOf(first, facts) });
      } catch (refused) {
        if (codeOf(refused) === "CONFLICT") await onStale();
        throw refused;
      }
      await onSaved();
    });
  };
  const measured = signals.filter((signal) => signal.data_type !== "text");
  const drawn = measured.find((signal) => signal.id === typed.signal_id) ?? (isNew ? measured[0] : undefined);
  return (
    <Sheet title={t(isNew ? "rules.add" : "rules.edit")} onClose={onClose} side>
      {drawn && drawn.data_type !== "boolean" && (
        <LimitChart signal={drawn} condition={typed.condition} said={said} settled={JSON.stringify([drawn.id, typed.condition, typed.on_delay_s, typed.off_delay_s])} onLimit={(limit) => put("limit", limit)} />
      )}
      <form className="entrance-form" onSubmit={submit} onInput={read} ref={form}>
        <Refusal message={messageOf(error, FIELDS)} />
        {basis && <p className="muted">{t("rules.basis", { basis })}</p>}
        {isNew && (
          <Field label={t("asset.signal")} as="select" name="signal_id" defaultValue={first.signal_id} error={faultOf(error, "signal_id")}>
            {measured.map((signal) => <option key={signal.id} value={signal.id}>{signal.label}</option>)}
          </Field>
        )}
        <Field label={t("rules.name")} name="name" required maxLength={120} defaultValue={first.name} autoFocus error={faultOf(error, "name")} />
        <ConditionFields first={first.condition} signals={measured} error={error} />
        <Field label={t("rules.on_delay")} name="on_delay_s" inputMode="decimal" defaultValue={first.on_delay_s} error={faultOf(error, "on_delay_s")} />
        <Field label={t("rules.off_delay")} name="off_delay_s" inputMode="decimal" defaultValue={first.off_delay_s} error={faultOf(error, "off_delay_s")} />
        <BacktestNote said={said} onProposed={(on_delay_s) => put("on_delay_s", on_delay_s)} />
        <Rationale first={first} error={error} />
        <Check label={t("rules.comment_required")} name="comment_required" defaultChecked={first.comment_required} />
        <Behaviour first={first} error={error} />
        {!isNew && <Field label={t("rules.reason")} name="reason" maxLength={2000} hint={t("rules.reason_hint")} />}
        <button type="submit" className="button button-primary" disabled={busy}>{t("action.save")}</button>
      </form>
    </Sheet>
  );
}

/* Why the alarm is there: what follows if nobody answers, how soon that is, and the priority that gives. */
function Rationale({ first, error }) {
  const [level, setLevel] = useState(first.consequence_level ?? "");
  const [within, setWithin] = useState(first.respond_within ?? "");
  const [priority, setPriority] = useState(first.priority);
  const [proposed, setProposed] = useState(undefined); // null: the matter is no alarm.
  const ask = async (consequence_level, respond_within) => {
    if (consequence_level && respond_within) setProposed(await link().query("alarm_rules.proposed_priority", { consequence_level, respond_within }));
  };
  return (
    <>
      <Field label={t("rules.consequence")} name="consequence" as="textarea" rows={2} maxLength={2000} defaultValue={first.consequence} error={faultOf(error, "consequence")} />
      <Field label={t("rules.level")} as="select" name="consequence_level" value={level} onChange={(event) => { setLevel(event.target.value); void ask(event.target.value, within); }}>
        <option value="">{t("rules.not_said")}</option>
        {LEVELS.map((each) => <option key={each} value={each}>{t("rules.levels", { level: each })}</option>)}
      </Field>
      <Field label={t("rules.within")} as="select" name="respond_within" value={within} onChange={(event) => { setWithin(event.target.value); void ask(level, event.target.value); }}>
        <option value="">{t("rules.not_said")}</option>
        {TIMES.map((each) => <option key={each} value={each}>{t("rules.times", { time: each })}</option>)}
      </Field>
      {proposed === null && <p className="muted" role="status">{t("rules.no_alarm")}</p>}
      {proposed > 0 && proposed !== Number(priority) && (
        <button type="button" className="button" onClick={() => setPriority(proposed)}>{t("rules.take_priority", { priority: proposed })}</button>
      )}
      <Field label={t("journal.priority")} as="select" name="priority" value={priority} onChange={(event) => setPriority(event.target.value)} error={faultOf(error, "priority")}>
        {PRIORITIES.map((each) => <option key={each} value={each}>{t("journal.one_priority", { priority: each })}</option>)}
      </Field>
      <Field label={t("rules.cause")} name="cause" as="textarea" rows={2} maxLength={2000} defaultValue={first.cause} error={faultOf(error, "cause")} />
      <Field label={t("asset.action")} name="action" as="textarea" rows={3} maxLength={2000} defaultValue={first.action} error={faultOf(error, "action")} />
    </>
  );
}

function Behaviour({ first, error }) {
  return (
    <>
      <input type="hidden" name="whole" value="1" />
      <Check label={t("rules.latching")} name="latching" defaultChecked={first.latching} />
      <Check label={t("rules.ack_required")} name="ack_required" defaultChecked={first.ack_required} />
      <Field label={t("rules.calls")} as="select" name="silent" defaultValue={(first.suppressions ?? []).find((each) => each.silent)?.silent ?? ""} error={faultOf(error, "suppressions")} hint={t("rules.calls_hint")}>
        {["", "off_shift", "in_shift"].map((silent) => <option key={silent} value={silent}>{t("rules.calls_when", { silent: silent || "never" })}</option>)}
      </Field>
      <Check label={t("rules.shelvable")} name="shelvable" defaultChecked={first.shelvable} />
      <Field label={t("rules.shelve_h_max")} name="shelve_h_max" inputMode="decimal" defaultValue={first.shelve_s_max / 3600} error={faultOf(error, "shelve_s_max")} />
      <Field label={t("rules.group")} name="group" maxLength={120} defaultValue={first.group} hint={t("rules.group_hint")} />
      <Check label={t("rules.first_out")} name="first_out" defaultChecked={first.first_out} />
      <Field label={t("rules.class")} name="alarm_class" maxLength={120} defaultValue={first.alarm_class} />
      <Field label={t("rules.owner_role")} name="owner_role" maxLength={120} defaultValue={first.owner_role} />
    </>
  );
}
