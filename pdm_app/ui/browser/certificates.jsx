/* The certificate with which this server proves who it is: what is shown, replacing it, what waits, what was before. */
import { useEffect, useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { DaysLeft, Facts, saveAs } from "./certificate_parts.jsx";
import { RenewSheet, ReplaceSheet, RequestSheet } from "./certificate_sheets.jsx";
import { Copy } from "./copy.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Day } from "./session_list.jsx";

const AUTHORITY = "/api/certificates/authority";
const SOUND_DAYS = 14;
const ASKING_EVERY_MS = 2_000;
const SYSTEMS = ["windows", "android", "ios", "macos", "firefox", "linux"];

export const CertificatesPage = guarded(function CertificatesPage({ seesTrail = false }) {
  const { answer, error, again } = useQuery("certificates.state");
  const [open, setOpen] = useState(null);
  const [said, setSaid] = useState("");
  if (error && !answer) return <section className="card"><ErrorNote what={t("certificates.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={200} /></section>;
  const done = (words) => () => { setOpen(null); setSaid(words); again(); };
  const taken = done(answer.is_served ? t("certificates.taken") : t("certificates.kept"));
  return (
    <div className="certificates stack">
      <p role="status" className={said ? "note note-said" : "visually-hidden"}>{said}</p>
      {!answer.is_served && <Off state={answer} />}
      <Shown state={answer} onOpen={setOpen} onDone={taken} />
      {answer.request && <Waiting request={answer.request} onOpen={setOpen} onDone={done("")} />}
      {answer.acme && <Directory acme={answer.acme} onChanged={again} />}
      {answer.authority && <Authority authority={answer.authority} />}
      <Previous previous={answer.previous} onDone={taken} onForgotten={done("")} />
      {seesTrail && <Trail key={answer.shown?.certificates[0]?.fingerprint ?? "none"} />}
      {open === "replace" && <ReplaceSheet request={answer.request} onClose={() => setOpen(null)} onDone={taken} />}
      {open === "request" && <RequestSheet known={answer.known_names.filter(isPublicName)} onClose={() => setOpen(null)} onDone={done("")} />}
      {open === "renew" && <RenewSheet state={answer} onClose={() => setOpen(null)} onDone={taken} />}
    </div>
  );
});

function isPublicName(name) {
  return name !== "localhost" && name !== "127.0.0.1" && !name.includes(":");
}

/** HTTPS is off: how to switch it on, here or at a proxy. */
function Off({ state }) {
  return (
    <section className="card">
      <header className="card-head"><h2>{t("certificates.off")}</h2></header>
      <p className="muted">{t("certificates.off_text")}</p>
      <ul className="bullets">
        <li>{t("certificates.off_here")} <code>pdm-app serve --https</code>, <code>PDM_TLS__ENABLED=true</code></li>
        <li>{t("certificates.off_proxy")} <code>PDM_HTTP__TRUSTED_PROXIES</code></li>
      </ul>
      <p className="caption">{state.trusted_proxies.length ? t("certificates.proxies", { proxies: state.trusted_proxies.join(", ") }) : t("certificates.no_proxies")}</p>
    </section>
  );
}

function Shown({ state, onOpen, onDone }) {
  const { run, busy, error } = useAct();
  const { shown, problem } = state;
  const first = shown?.certificates[0];
  const restore = () => run(async () => { await link().mutate("certificates.restore_own"); onDone(); });
  return (
    <section className="card certificate-shown">
      <header className="card-head">
        <h2>{t(state.is_served ? "certificates.shown" : "certificates.prepared")}</h2>
        {shown && <span className="aside"><DaysLeft days={shown.days_left} isSound={shown.days_left > SOUND_DAYS || (shown.renews_itself && shown.days_left > 0)} /></span>}
      </header>
      {problem && <p className="note note-error" role="alert">{problem}</p>}
      {!shown && !problem && <EmptyNote title={t("certificates.none")} text={t("certificates.none_hint")} />}
      {first && (
        <>
          <p className="certificate-subject">{first.subject}</p>
          <p className="muted">{t("certificates.source", { source: shown.source })}{shown.renews_itself && <> {t("certificates.renews_itself")}</>}</p>
          {shown.warnings.map((warn) => <p key={warn} className="note note-error" data-compact="true">{t("certificates.warn", { warn })}</p>)}
          <Facts certificate={first}>
            {shown.certificates.length > 1 && (
              <>
                <dt>{t("certificates.chain")}</dt>
                <dd>{shown.certificates.slice(1).map((each) => each.subject).join(" → ")}</dd>
              </>
            )}
            {state.given_file && <><dt>{t("certificates.given_file")}</dt><dd className="code">{state.given_file}</dd></>}
            {state.is_served && <><dt>{t("certificates.hsts")}</dt><dd>{state.hsts_days ? t("certificates.hsts_days", { count: state.hsts_days }) : t("certificates.hsts_off")}</dd></>}
            {state.is_served && <><dt>{t("certificates.plain_port")}</dt><dd>{state.redirect_port ? state.redirect_port : t("certificates.plain_off")}</dd></>}
          </Facts>
        </>
      )}
      <ActError error={error} />
      {state.given_file ? <p className="caption">{t("certificates.given_hint")}</p> : (
        <div className="note-actions">
          <button type="button" className="button button-primary" onClick={() => onOpen("replace")}>{t(shown ? "certificates.replace" : "certificates.upload")}</button>
          {!state.request && <button type="button" className="button" onClick={() => onOpen("request")}>{t("certificates.request")}</button>}
          {(!shown || shown.source === "own") && <button type="button" className="button" onClick={() => onOpen("renew")}>{t("certificates.renew")}</button>}
          {(shown?.source === "brought" || problem) && <button type="button" className="button" disabled={busy} onClick={restore}>{t("certificates.restore_own")}</button>}
        </div>
      )}
    </section>
  );
}

/** A request that waits for its certificate. */
function Waiting({ request, onOpen, onDone }) {
  const [isSure, setSure] = useState(false);
  const { run, busy, error } = useAct();
  const withdraw = () => run(async () => { await link().mutate("certificates.withdraw_request"); onDone(); });
  return (
    <section className="card">
      <header className="card-head"><h2>{t("certificates.waiting")}</h2></header>
      <p className="muted">{t("certificates.waiting_text")}</p>
      <dl className="definition wraps">
        <dt>{t("certificates.names")}</dt><dd>{request.facts.names.join(", ")}</dd>
        <dt>{t("certificates.made")}</dt><dd><Moment at={request.made_at} /></dd>
      </dl>
      <ActError error={error} />
      <details><summary>{t("certificates.request_text")}</summary><pre className="code block pem">{request.pem}</pre></details>
      <div className="note-actions">
        <button type="button" className="button" onClick={() => saveAs(`${request.facts.names[0].replace("*", "any")}.csr`, request.pem)}>{t("certificates.save_request")}</button>
        <Copy text={request.pem} label={t("certificates.copy_request")} className="button" />
        <button type="button" className="button button-primary" onClick={() => onOpen("replace")}>{t("certificates.upload_answer")}</button>
        {isSure
          ? <button type="button" className="button" disabled={busy} onClick={withdraw}>{t("certificates.withdraw_sure")}</button>
          : <button type="button" className="button button-plain" onClick={() => setSure(true)}>{t("certificates.withdraw")}</button>}
      </div>
    </section>
  );
}

/** The ACME directory: what came of asking it, and when it is asked again. */
function Directory({ acme, onChanged }) {
  const { run, busy, error } = useAct();
  const [isAsking, setAsking] = useState(false);
  const isBusy = isAsking || acme.is_asking;
  useEffect(() => {
    if (!isBusy) return undefined;
    const asking = setInterval(onChanged, ASKING_EVERY_MS);
    return () => clearInterval(asking);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one timer while it is asked
  }, [isBusy]);
  useEffect(() => setAsking(false), [acme.last.tried_at]);
  const ask = () => run(async () => { await link().mutate("certificates.obtain"); setAsking(true); });
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t("certificates.acme")}</h2>
        <span className="aside">{t(isBusy ? "certificates.acme_asking" : acme.is_in_use ? "certificates.acme_in_use" : "certificates.acme_not_in_use")}</span>
      </header>
      <dl className="definition wraps">
        <dt>{t("certificates.acme_directory")}</dt><dd className="code">{acme.directory}</dd>
        <dt>{t("certificates.names")}</dt><dd>{acme.names.join(", ")}</dd>
        {acme.last.tried_at > 0 && <><dt>{t("certificates.acme_tried")}</dt><dd><Moment at={acme.last.tried_at} /></dd></>}
        {acme.last.next_at > 0 && <><dt>{t("certificates.acme_next")}</dt><dd><Moment at={acme.last.next_at} /></dd></>}
      </dl>
      {acme.last.problem && <p className="note note-error" data-compact="true">{acme.last.problem}</p>}
      <ActError error={error} />
      <div className="note-actions">
        <button type="button" className="button" disabled={busy || isBusy} onClick={ask}>{t("certificates.acme_ask")}</button>
      </div>
    </section>
  );
}

/** Our own authority, for browsers and phones to trust. */
function Authority({ authority }) {
  return (
    <section className="card">
      <header className="card-head"><h2>{t("certificates.authority")}</h2></header>
      <p className="muted">{t("certificates.authority_text")}</p>
      <dl className="definition wraps">
        <dt>{t("certificates.name")}</dt><dd>{authority.subject}</dd>
        <dt>{t("certificates.good")}</dt><dd><Day at={authority.valid_from} /> – <Day at={authority.valid_until} /></dd>
        <dt>{t("certificates.fingerprint")}</dt><dd className="code">{authority.fingerprint}</dd>
      </dl>
      <div className="note-actions">
        <a className="button" href={AUTHORITY} download>{t("certificates.authority_get")}</a>
      </div>
      <p className="caption">{t("certificates.authority_check")}</p>
      {SYSTEMS.map((system) => (
        <details key={system} className="certificate-help">
          <summary>{t("certificates.system", { system })}</summary>
          <p>{t(`certificates.install.${system}`)}</p>
        </details>
      ))}
    </section>
  );
}

function Previous({ previous, onDone, onForgotten }) {
  const { run, busy, error } = useAct();
  const use = (fingerprint) => run(async () => { await link().mutate("certificates.use_again", { fingerprint }); onDone(); });
  const forget = (fingerprint) => run(async () => { await link().mutate("certificates.forget", { fingerprint }); onForgotten(); });
  if (!previous.length) return null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("certificates.previous")}</h2></header>
      <ActError error={error} />
      <ul className="sessions">
        {previous.map(({ certificate, days_left: days, is_own: isOwn, kept_at: keptAt }) => (
          <li key={certificate.fingerprint}>
            <div>
              <span className="strong">{certificate.subject}</span> <DaysLeft days={days} isSound={days > SOUND_DAYS} />
              <div className="caption">
                {isOwn ? t("certificates.source", { source: "own" }) : <>{t("certificates.issuer")} {certificate.issuer}, {t("certificates.replaced")} <Moment at={keptAt} /></>}
              </div>
            </div>
            <span className="note-actions">
              <button type="button" className="button button-small" disabled={busy || days < 0} onClick={() => use(certificate.fingerprint)}>{t("certificates.use_again")}</button>
              {!isOwn && <button type="button" className="button button-small button-plain" disabled={busy} onClick={() => forget(certificate.fingerprint)}>{t("certificates.forget")}</button>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What was done with certificates, and by whom. */
function Trail() {
  const { answer, error } = useQuery("audit.page", { action: "certificates.", limit: 10 });
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t("certificates.history")}</h2>
        <a className="link push" href="/settings/audit">{t("nav.audit")}</a>
      </header>
      <ActError error={error} />
      {answer?.entries.length === 0 && <p className="muted">{t("certificates.no_history")}</p>}
      <ul className="sessions">
        {(answer?.entries ?? []).map((entry) => (
          <li key={entry.id}>
            <div>
              <span className="strong">{t("certificates.action", { action: entry.action.replace("certificates.", "") })}</span> {entry.name}
              <div className="caption">{entry.actor}, <Moment at={entry.at} /></div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
