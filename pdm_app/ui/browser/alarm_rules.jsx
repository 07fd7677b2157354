/* The alarm rules of a machine; for those who may, a form for each, a switch, and a bin with an undo. */
import { useCallback, useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { conditionWords } from "./alarm_condition.jsx";
import { NEW_RULE, RuleSheet } from "./alarm_rule_sheet.jsx";
import { useSignal } from "./directory.js";
import { guarded } from "./guard.jsx";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { UndoNote } from "./undo.jsx";

const RULES_MAX = 1_000;

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
  const edited = open === "new" ? NEW_RULE : rules.find((rule) => rule.id === open);
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
  const signal = useSignal(rule.asset_id, rule.signal_id);
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
      <td className="right">{conditionWords(condition, signal)}</td>
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
