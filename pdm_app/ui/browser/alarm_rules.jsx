/* The alarm rules of a machine; for those who may, a form for each, a switch, and a bin with an undo. */
import { useCallback, useEffect, useRef, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { Check, faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { number } from "./format.js";
import { guarded } from "./guard.jsx";
import { codeOf, link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { changesOf, ruleOf } from "./plant_edit.js";
import { UndoNote } from "./undo.jsx";

const RULES_MAX = 1_000;
const PRIORITIES = [1, 2, 3, 4];
const NEW = { name: "", condition: { kind: "high", limit: null, deadband: 0 }, priority: 3, on_delay_s: 0, off_delay_s: 0, comment_required: false, cause: "", consequence: "", action: "" };

/** Most urgent first. */
const byUrgency = (one, other) => one.priority - other.priority || one.name.localeCompare(other.name);

function useRules(assetId) {
  const [state, setState] = useState({ rules: null, error: null });
  const load = useCallback(async () => {
    try {
      const page = await link().query("alarm_rules.page", { asset_id: assetId, limit: RULES_MAX });
      setState({ rules: [...page.items].sort(byUrgency), error: null });
    } catch (error) {
      setState((before) => ({ ...before, error }));
    }
  }, [assetId]);
  useEffect(() => void load(), [load]);
  return { ...state, load };
}

export const AlarmRules = guarded(function AlarmRules({ assetId, signals = [], mayConfigure = false, onChanged }) {
  const { rules, error, load } = useRules(assetId);
  const [open, setOpen] = useState(null); // A rule's id, or "new".
  const [deleted, setDeleted] = useState(null);
  const changed = async () => {
    await load();
    onChanged?.();
  };
  if (error && !rules) return <ErrorNote what={t("rules.failed")} error={error} again={load} />;
  if (!rules) return <Skeleton height={44} />;
  const edited = open === "new" ? NEW : rules.find((rule) => rule.id === open);
  return (
    <div className="rules">
      {rules.length === 0 && <EmptyNote title={t("rules.empty")} text={t("rules.empty_hint")} />}
      {rules.length > 0 && (
        <div className="table-scroll">
          <table className="table">
            <thead>
              <tr>
                <th>{t("journal.priority")}</th>
                <th>{t("journal.alarm")}</th>
                <th className="right">{t("asset.limit")}</th>
                <th className="desktop-only">{t("asset.action")}</th>
                {mayConfigure && <th />}
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <Row key={rule.id} rule={rule} mayConfigure={mayConfigure} onEdit={() => setOpen(rule.id)} onChanged={changed} onDeleted={setDeleted} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {deleted && (
        <UndoNote
          key={deleted.id}
          what={t("rules.deleted", { name: deleted.name })}
          onUndo={async () => {
            await link().mutate("alarm_rules.restore", { rule_id: deleted.id });
            setDeleted(null);
            await changed();
          }}
          onOver={() => setDeleted(null)}
        />
      )}
      {mayConfigure && signals.length > 0 && (
        <button type="button" className="button" onClick={() => setOpen("new")}>{t("rules.add")}</button>
      )}
      {edited && <RuleSheet rule={edited} signals={signals} onStale={load} onClose={() => setOpen(null)} onSaved={async () => { setOpen(null); await changed(); }} />}
    </div>
  );
});

function Row({ rule, mayConfigure, onEdit, onChanged, onDeleted }) {
  const { run, busy, error } = useAct();
  const condition = rule.condition;
  const flip = () => run(async () => {
    await link().mutate(rule.enabled ? "alarm_rules.disable" : "alarm_rules.enable", { rule_id: rule.id });
    await onChanged();
  });
  const remove = () => run(async () => {
    await link().mutate("alarm_rules.delete", { rule_id: rule.id, revision: rule.revision });
    onDeleted(rule);
    await onChanged();
  });
  return (
    <tr data-off={!rule.enabled}>
      <td>{t("journal.one_priority", { priority: rule.priority })}</td>
      <td>{rule.name}{!rule.enabled && <> <span className="chip">{t("rules.off")}</span></>}<ActError error={error} /></td>
      <td className="right">{t("asset.limit_of", { kind: condition.kind, limit: number(condition.limit, decimalsOf(condition.limit)) })}</td>
      <td className="muted desktop-only">{rule.action}</td>
      {mayConfigure && (
        <td className="right">
          <button type="button" className="link" onClick={onEdit} aria-label={t("rules.edit_named", { name: rule.name })}>{t("action.edit")}</button>{" "}
          <button type="button" className="link" disabled={busy} onClick={flip}>{t(rule.enabled ? "rules.switch_off" : "rules.switch_on")}</button>{" "}
          <button type="button" className="link" disabled={busy} onClick={remove} aria-label={t("rules.delete_named", { name: rule.name })}>{t("action.delete")}</button>
        </td>
      )}
    </tr>
  );
}

function decimalsOf(value) {
  return Math.min(6, (String(value).split(".")[1] ?? "").length);
}

const FIELDS = ["signal_id", "name", "condition", "priority", "on_delay_s", "off_delay_s", "cause", "consequence", "action"];

/** A stale save is refused with who was first; the next one sends the same changes to what is there by then. */
function RuleSheet({ rule, signals, onStale, onClose, onSaved }) {
  const opened = useRef(rule);
  const { run, busy, error } = useAct();
  const isNew = rule.id === undefined;
  const first = opened.current;
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    run(async () => {
      const said = ruleOf(form);
      try {
        if (isNew) await link().mutate("alarm_rules.create", { ...said, signal_id: Number(form.get("signal_id")) });
        else await link().mutate("alarm_rules.change", { rule_id: rule.id, revision: rule.revision, ...changesOf(first, said) });
      } catch (refused) {
        if (codeOf(refused) === "CONFLICT") await onStale();
        throw refused;
      }
      await onSaved();
    });
  };
  const measured = signals.filter((signal) => signal.data_type !== "text");
  return (
    <Sheet title={t(isNew ? "rules.add" : "rules.edit")} onClose={onClose} side>
      <form className="entrance-form" onSubmit={submit}>
        <Refusal message={messageOf(error, FIELDS)} />
        {isNew && (
          <Field label={t("asset.signal")} as="select" name="signal_id" error={faultOf(error, "signal_id")}>
            {measured.map((signal) => <option key={signal.id} value={signal.id}>{signal.label}</option>)}
          </Field>
        )}
        <Field label={t("rules.name")} name="name" required maxLength={120} defaultValue={first.name} autoFocus error={faultOf(error, "name")} />
        <Field label={t("rules.kind")} as="select" name="kind" defaultValue={first.condition.kind}>
          {["high", "low"].map((kind) => <option key={kind} value={kind}>{t("rules.kinds", { kind })}</option>)}
        </Field>
        <Field label={t("asset.limit")} name="limit" inputMode="decimal" required defaultValue={first.condition.limit ?? ""} error={faultOf(error, "condition")} />
        <Field label={t("rules.deadband")} name="deadband" inputMode="decimal" defaultValue={first.condition.deadband} hint={t("rules.deadband_hint")} />
        <Field label={t("journal.priority")} as="select" name="priority" defaultValue={first.priority} error={faultOf(error, "priority")}>
          {PRIORITIES.map((priority) => <option key={priority} value={priority}>{t("journal.one_priority", { priority })}</option>)}
        </Field>
        <Field label={t("rules.on_delay")} name="on_delay_s" inputMode="decimal" defaultValue={first.on_delay_s} error={faultOf(error, "on_delay_s")} />
        <Field label={t("rules.off_delay")} name="off_delay_s" inputMode="decimal" defaultValue={first.off_delay_s} error={faultOf(error, "off_delay_s")} />
        <Check label={t("rules.comment_required")} name="comment_required" defaultChecked={first.comment_required} />
        <Field label={t("rules.cause")} name="cause" as="textarea" rows={2} maxLength={2000} defaultValue={first.cause} error={faultOf(error, "cause")} />
        <Field label={t("rules.consequence")} name="consequence" as="textarea" rows={2} maxLength={2000} defaultValue={first.consequence} error={faultOf(error, "consequence")} />
        <Field label={t("asset.action")} name="action" as="textarea" rows={3} maxLength={2000} defaultValue={first.action} error={faultOf(error, "action")} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("action.save")}</button>
      </form>
    </Sheet>
  );
}
