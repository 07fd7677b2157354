/* The trust list: certificates of servers and brokers that wait for a decision, those that are trusted, and our own. */
import { useEffect, useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Refusal, messageOf } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useNow, useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Go, Moment, Skeleton } from "./parts.jsx";
import { DaysLeft, PeerFacts, savePem } from "./trust_parts.jsx";
import { BringSheet, DecisionSheet } from "./trust_sheets.jsx";

export const TrustList = guarded(function TrustList() {
  const { answer, error, again } = useQuery("trust.list");
  const [open, setOpen] = useState(null); // "new" or a fingerprint
  useEffect(() => setOpen(new URLSearchParams(globalThis.location.search).get("certificate")), []);
  if (error && !answer) return <section className="card"><ErrorNote what={t("trust.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={160} /></section>;
  const waiting = answer.certificates.filter((one) => one.standing === "waiting");
  const decided = answer.certificates.filter((one) => one.standing !== "waiting");
  const chosen = answer.certificates.find((one) => one.fingerprint === open);
  return (
    <div className="stack">
      <section className="card">
        <header className="card-head"><h2>{t("trust.waiting")}</h2></header>
        {waiting.length === 0 && <EmptyNote title={t("trust.nothing_waits")} text={t("trust.nothing_waits_hint")} />}
        <ul className="sessions">
          {waiting.map((one) => (
            <li key={one.fingerprint}>
              <div>
                <span className="strong">{one.certificate.subject}</span>
                <div className="caption">{t("trust.met_by", { name: one.connection_name })} <span className="code">{one.endpoint}</span>, <Moment at={one.last_seen_at} /></div>
                <div className="code caption">{one.fingerprint}</div>
              </div>
              <span className="note-actions">
                <button type="button" className="button" onClick={() => setOpen(one.fingerprint)}>{t("trust.decide")}</button>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section className="card people">
        <header className="card-head">
          <h2>{t("trust.decided")}</h2>
          <button type="button" className="button push" onClick={() => setOpen("new")}>{t("trust.bring")}</button>
        </header>
        {decided.length === 0 ? <EmptyNote title={t("trust.none")} text={t("trust.none_hint")} /> : <Decided certificates={decided} onOpen={setOpen} />}
      </section>
      <Own own={answer.own} onChanged={again} />
      {open === "new" && <BringSheet onClose={() => setOpen(null)} onDone={() => { setOpen(null); again(); }} />}
      {chosen && <DecisionSheet key={chosen.fingerprint} one={chosen} onClose={() => setOpen(null)} onDone={() => { setOpen(null); again(); }} />}
    </div>
  );
});

function Decided({ certificates, onOpen }) {
  const now = useNow();
  return (
    <table className="table people-table">
      <thead>
        <tr><th>{t("trust.certificate")}</th><th>{t("trust.standing")}</th><th>{t("trust.ends")}</th><th>{t("trust.by")}</th></tr>
      </thead>
      <tbody>
        {certificates.map((one) => (
          <tr key={one.fingerprint}>
            <td>
              <button type="button" className="link" onClick={() => onOpen(one.fingerprint)}>{one.certificate.subject}</button>
              <div className="code caption wraps">{one.endpoint || one.certificate.issuer}</div>
            </td>
            <td data-label={t("trust.standing")}><span className="chip" data-state={one.standing}>{t("trust.standing_of", { standing: one.as_authority ? "authority" : one.standing })}</span></td>
            <td data-label={t("trust.ends")}>{now !== null && <DaysLeft certificate={one.certificate} now={now} />}</td>
            <td data-label={t("trust.by")}>{one.decided_by}<div className="caption"><Moment at={one.decided_at} /></div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Our certificate, which the other side has to trust in its turn. */
function Own({ own, onChanged }) {
  const { run, busy, error } = useAct();
  const [sure, setSure] = useState(false);
  const renew = () => run(async () => {
    await link().mutate("trust.renew_own");
    setSure(false);
    onChanged();
  });
  return (
    <section className="card stack">
      <header className="card-head"><h2>{t("trust.own")}</h2></header>
      <p className="muted">{t("trust.own_text")}</p>
      {!own && <EmptyNote title={t("trust.own_none")} text={t("trust.own_none_hint")} />}
      {own && (
        <>
          <PeerFacts certificate={own.certificate}>
            <dt>{t("trust.uri")}</dt>
            <dd className="code">{own.uri}</dd>
          </PeerFacts>
          <Refusal message={messageOf(error)} />
          {sure && <p className="note note-error" data-compact="true">{t("trust.renew_hint")}</p>}
          <div className="note-actions">
            <button type="button" className="button" onClick={() => savePem("pdm_app.pem", own.pem)}>{t("trust.download")}</button>
            <button type="button" className="button" disabled={busy} onClick={sure ? renew : () => setSure(true)}>{t(sure ? "trust.renew_sure" : "trust.renew")}</button>
            <Go to="/connections" className="button">{t("nav.connections")}</Go>
          </div>
        </>
      )}
    </section>
  );
}
