/* One release: who did what with it, what is to be done next, and all that is signed of it. */
import { useState } from "react";
import { useAct } from "./acknowledge.jsx";
import { Copy } from "./copy.jsx";
import { hardwareLine, saveText } from "./firmware.js";
import { FactsForm } from "./firmware_new.jsx";
import { Field, Refusal, Sheet, faultOf, messageOf } from "./form_parts.jsx";
import { size } from "./format.js";
import { useQuery } from "./hooks.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { ErrorNote, Moment, Skeleton } from "./parts.jsx";

const NEEDS = { approve: "approve", publish: "publish", deprecate: "publish", revoke: "publish" };

export function ReleaseSheet({ view, may, username, onClose, onChanged }) {
  const { release, steps, fault } = view;
  const [editing, setEditing] = useState(false);
  const { run, busy, error } = useAct();
  const act = (step, more = {}) => run(async () => {
    await link().mutate(`releases.${step}`, { release_id: release.id, revision: release.revision, ...more });
    setEditing(false);
    onChanged();
    if (step === "delete") onClose();
  });
  const can = (step) => steps.includes(step) && may(NEEDS[step] ?? "upload");
  const isDraft = release.state === "draft";
  if (editing) {
    return (
      <Sheet title={t("firmware.change")} onClose={onClose} side>
        <FactsForm facts={release} busy={busy} error={error} submit={t("firmware.save")} onSave={(facts) => act("change", facts)} />
      </Sheet>
    );
  }
  return (
    <Sheet title={`${release.name} ${release.version}`} onClose={onClose} side>
      <div className="stack">
        <Track release={release} keyName={view.key_name} />
        {fault && <p className="note note-error" data-compact="true" role="alert">{t("firmware.fault", { fault })}</p>}
        <Refusal message={messageOf(error, ["signature"])} />
        {can("sign") && (isDraft || fault) && <SignPart release={release} busy={busy} error={error} onSign={(signature) => act("sign", { signature })} />}
        {release.state === "signed" && release.uploaded_by === username && <p className="note" data-compact="true">{t("firmware.second_person")}</p>}
        <div className="note-actions">
          {can("approve") && release.uploaded_by !== username && <button type="button" className="button button-primary" disabled={busy} onClick={() => act("approve")}>{t("firmware.approve")}</button>}
          {can("publish") && <button type="button" className="button button-primary" disabled={busy} onClick={() => act("publish")}>{t("firmware.publish")}</button>}
          {isDraft && may("upload") && <button type="button" className="button" onClick={() => setEditing(true)}>{t("firmware.change")}</button>}
          {isDraft && may("upload") && <button type="button" className="button" disabled={busy} onClick={() => act("delete")}>{t("firmware.delete")}</button>}
        </div>
        <Facts release={release} />
        {(can("deprecate") || can("revoke")) && <EndPart busy={busy} can={can} onEnd={(step, reason) => act(step, { reason })} />}
      </div>
    </Sheet>
  );
}

/** The way of a release, with who went each step of it and when. */
function Track({ release, keyName }) {
  const done = [
    ["draft", release.uploaded_by, release.uploaded_at],
    ["signed", release.signature && t("firmware.signed_by", { key: keyName || release.signature.key_id, by: release.signature.by }), release.signature?.at],
    ["approved", release.approved_by, release.approved_at],
    ["published", release.published_by, release.published_at],
  ];
  if (release.ended_at) done.push([release.state, release.ended_by, release.ended_at]);
  return (
    <ol className="firmware-track">
      {done.map(([state, by, at]) => (
        <li key={state} data-done={Boolean(at)} aria-current={release.state === state ? "step" : undefined}>
          <span className="strong">{t("firmware.state_of", { state })}</span>
          <span className="caption">{at ? <>{by}, <Moment at={at} /></> : t("firmware.not_yet")}</span>
        </li>
      ))}
      {release.reason && <li className="caption">{release.reason}</li>}
    </ol>
  );
}

/** The manifest to download, the command to run elsewhere, and a place for what it prints. */
function SignPart({ release, busy, error, onSign }) {
  const { answer, error: failed, again } = useQuery("releases.manifest", { release_id: release.id });
  const [signature, setSignature] = useState("");
  const send = (event) => {
    event.preventDefault();
    onSign(signature.trim());
  };
  if (failed && !answer) return <ErrorNote what={t("firmware.failed")} error={failed} again={again} />;
  if (!answer) return <Skeleton height={96} />;
  return (
    <form className="entrance-form" onSubmit={send}>
      <p className="muted">{t("firmware.sign_text")}</p>
      <div className="note-actions">
        <button type="button" className="button" onClick={() => saveText(answer.file, answer.manifest)}>{t("firmware.manifest")}</button>
        <Copy text={answer.command} label={t("firmware.copy_command")} className="button" />
      </div>
      <output className="code block wraps">{answer.command}</output>
      <Field label={t("firmware.signature")} hint={t("firmware.signature_hint")} error={faultOf(error, "signature")} as="textarea" className="input code" rows={2} required maxLength={200} spellCheck="false"
        value={signature} onChange={(event) => setSignature(event.target.value)} />
      <button type="submit" className="button button-primary" disabled={busy || !signature.trim()}>{t("firmware.sign")}</button>
    </form>
  );
}

function Facts({ release }) {
  const { artifact } = release;
  return (
    <dl className="definition wraps">
      <dt>{t("firmware.hardware")}</dt>
      <dd>{hardwareLine(release.hardware)}</dd>
      <dt>{t("firmware.security")}</dt>
      <dd>{release.security_version}</dd>
      <dt>{t("firmware.min_from")}</dt>
      <dd>{release.min_from_version ?? t("firmware.any_version")}</dd>
      <dt>{t("firmware.way_back")}</dt>
      <dd>{t("firmware.way_back_of", { safe: String(release.rollback_safe) })}</dd>
      <dt>{t("firmware.file")}</dt>
      <dd>{artifact.filename}, {size(artifact.bytes)}<div className="code caption wraps">{artifact.sha256}</div></dd>
      <dt>{t("firmware.bundle")}</dt>
      <dd>
        {t("firmware.kind_of", { kind: artifact.bundle.kind })}{artifact.bundle.version && ` ${artifact.bundle.version}`}
        <div className="caption">{t("firmware.own_signature", { signature: artifact.bundle.signature })}{artifact.bundle.compatible.length > 0 && `, ${artifact.bundle.compatible.join(", ")}`}</div>
      </dd>
      {artifact.bundle.parts.length > 0 && (
        <>
          <dt>{t("firmware.parts")}</dt>
          <dd>{artifact.bundle.parts.map((part) => <div key={part.name} className="caption"><span className="code">{part.name}</span> {size(part.bytes)}</div>)}</dd>
        </>
      )}
      {release.notes && (
        <>
          <dt>{t("firmware.notes")}</dt>
          <dd>{release.notes}</dd>
        </>
      )}
    </dl>
  );
}

/** What ends a release, with the reason that everybody will read. */
function EndPart({ busy, can, onEnd }) {
  const [reason, setReason] = useState("");
  const isSaid = reason.trim().length >= 3;
  return (
    <div className="stack">
      <Field label={t("firmware.why")} hint={t("firmware.why_hint")} maxLength={2000} autoComplete="off" value={reason} onChange={(event) => setReason(event.target.value)} />
      <div className="note-actions">
        {can("deprecate") && <button type="button" className="button" disabled={busy || !isSaid} onClick={() => onEnd("deprecate", reason)}>{t("firmware.deprecate")}</button>}
        {can("revoke") && <button type="button" className="button" disabled={busy || !isSaid} onClick={() => onEnd("revoke", reason)}>{t("firmware.revoke")}</button>}
      </div>
    </div>
  );
}
