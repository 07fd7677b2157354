/* Who has signed a thing, with what meaning, and whether the signature still holds for it. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Moment } from "./parts.jsx";
import { SignDialog } from "./sign_dialog.jsx";

export const Signatures = guarded(function Signatures({ subject = "asset", subjectId = "", name = "", maySign = false }) {
  const { answer, error, again } = useQuery("signatures.list", subjectId ? { subject, subject_id: subjectId } : null);
  const [asks, setAsks] = useState(false);
  const [checked, setChecked] = useState({});
  const { run, busy, error: refusal } = useAct();
  const sign = async (said) => { await link().mutate("signatures.sign", { subject, subject_id: subjectId, ...said }); again(); };
  const verify = (seq) => run(async () => {
    const found = await link().query("signatures.verify", { seq });
    setChecked((before) => ({ ...before, [seq]: found }));
  });
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t("signatures.title")}</h2>
        {maySign && <button type="button" className="button push" onClick={() => setAsks(true)}>{t("signatures.sign")}</button>}
      </header>
      {error && !answer && <ErrorNote what={t("signatures.failed")} error={error} again={again} compact />}
      <ActError error={refusal} />
      {answer?.length === 0 && <p className="muted">{t("signatures.empty")}</p>}
      <ul className="sessions">
        {(answer ?? []).map(({ signature, holds }) => (
          <li key={signature.seq}>
            <div>
              <span className="strong">{signature.printed_name}</span> <span className="code caption">{signature.username}</span>
              <div>{t("signatures.meaning_of", { meaning: signature.meaning })}, <Moment at={signature.at} /></div>
              {signature.reason && <div className="caption">{signature.reason}</div>}
              <div className="caption">{t(holds ? "signatures.holds" : "signatures.changed_since")}</div>
              {checked[signature.seq] && <div role="status">{t(checked[signature.seq].is_unaltered ? "signatures.unaltered" : "signatures.altered")}</div>}
            </div>
            <button type="button" className="button button-small" disabled={busy} onClick={() => verify(signature.seq)}>{t("signatures.verify")}</button>
          </li>
        ))}
      </ul>
      {asks && <SignDialog title={t("signatures.sign")} what={name} onSign={sign} onClose={() => setAsks(false)} />}
    </section>
  );
});
