/* With whom a machine is shared, and sharing it; and what others have shared with the reader. */
import { useState } from "react";
import { ActError, useAct } from "./acknowledge.jsx";
import { faultOf, Field, messageOf, Refusal, Sheet } from "./form_parts.jsx";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Go, Moment } from "./parts.jsx";

export const Shares = guarded(function Shares({ assetId = "", mayChange = false }) {
  const { answer, error, again } = useQuery("shares.of", assetId ? { kind: "asset", resource_id: assetId } : null);
  const [asks, setAsks] = useState(false);
  const { run, busy, error: refusal } = useAct();
  const revoke = (share) => run(async () => { await link().mutate("shares.revoke", { share_id: share.id }); again(); });
  return (
    <section className="card">
      <header className="card-head">
        <h2>{t("shares.title")}</h2>
        <button type="button" className="button push" onClick={() => setAsks(true)}>{t("shares.share")}</button>
      </header>
      {error && !answer && <ErrorNote what={t("shares.failed")} error={error} again={again} compact />}
      <ActError error={refusal} />
      {answer?.length === 0 && <p className="muted">{t("shares.empty")}</p>}
      <ul className="sessions">
        {(answer ?? []).map(({ share, with_name, state }) => (
          <li key={share.id} data-state={state}>
            <div>
              <span className="strong">{with_name || "–"}</span> <span className="caption">{t(share.group_id ? "shares.group" : "shares.person")}</span>
              <div>{t("shares.access_of", { access: share.access })}</div>
              <div className="caption">
                {t("shares.state_of", { state })}
                {state === "active" && share.until && <>, {t("accounts.until")} <Moment at={share.until} /></>}
                {", "}{t("shares.by", { name: share.created_by })}
              </div>
            </div>
            {state === "active" && <button type="button" className="button button-small" disabled={busy} onClick={() => revoke(share)}>{t("shares.revoke")}</button>}
          </li>
        ))}
      </ul>
      {asks && <ShareForm assetId={assetId} mayChange={mayChange} onClose={() => setAsks(false)} onDone={again} />}
    </section>
  );
});

function ShareForm({ assetId, mayChange, onClose, onDone }) {
  const [whom, setWhom] = useState("username");
  const { run, busy, error } = useAct();
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const until = form.get("until") ? new Date(form.get("until")).getTime() * 1000 : null;
    run(async () => {
      await link().mutate("shares.create", { kind: "asset", resource_id: assetId, [whom]: form.get("with"), access: form.get("access"), until });
      onDone();
      onClose();
    });
  };
  return (
    <Sheet title={t("shares.share")} onClose={onClose}>
      <form className="entrance-form" onSubmit={submit}>
        <p className="muted">{t("shares.hint")}</p>
        <Refusal message={messageOf(error, [whom, "until"])} />
        <Field label={t("shares.with")} as="select" value={whom} onChange={(event) => setWhom(event.target.value)}>
          <option value="username">{t("shares.person")}</option>
          <option value="group">{t("shares.group")}</option>
        </Field>
        <Field label={t(whom === "group" ? "shares.group_name" : "login.username")} name="with" required maxLength={120} autoComplete="off" autoCapitalize="none"
          spellCheck="false" autoFocus error={faultOf(error, whom)} />
        <Field label={t("shares.access")} name="access" as="select" defaultValue="read">
          <option value="read">{t("shares.access_of", { access: "read" })}</option>
          {mayChange && <option value="change">{t("shares.access_of", { access: "change" })}</option>}
        </Field>
        <Field label={t("shares.until")} name="until" type="datetime-local" hint={t("shares.until_hint")} error={faultOf(error, "until")} />
        <button type="submit" className="button button-primary" disabled={busy}>{t("shares.share")}</button>
      </form>
    </Sheet>
  );
}

/** Machines of other sites that others have shared with the reader; nothing where there are none. */
export const SharedWithMe = guarded(function SharedWithMe() {
  const { answer } = useQuery("shares.mine");
  if (!answer?.length) return null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("shares.mine")}</h2></header>
      <ul className="sessions">
        {answer.map(({ asset, site, may_change, until }) => (
          <li key={asset.id}>
            <div>
              <Go to={`/asset/${asset.id}`}><span className="code">{asset.code}</span> {asset.name}</Go>
              <div className="caption">{site.name}, {t("shares.access_of", { access: may_change ? "change" : "read" })}{until && <>, {t("accounts.until")} <Moment at={until} /></>}</div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
});
