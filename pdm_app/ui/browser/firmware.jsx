/* Firmware: releases with their state, signature and hardware, and the keys that vouch for them. */
import { useState } from "react";
import { hardwareLine } from "./firmware.js";
import { KeyList } from "./firmware_keys.jsx";
import { NewRelease } from "./firmware_new.jsx";
import { ReleaseSheet } from "./firmware_release.jsx";
import { size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";

export const FirmwarePage = guarded(function FirmwarePage({ rights = [], username = "" }) {
  const releases = useQuery("releases.list");
  const keys = useQuery("signing_keys.list");
  const [open, setOpen] = useState(null); // "new" or an id
  const may = (verb) => rights.includes(`firmware.${verb}`);
  const changed = () => { releases.again(); keys.again(); };
  const chosen = releases.answer?.find((one) => one.release.id === open);
  return (
    <div className="stack">
      <section className="card people">
        <header className="card-head">
          <h2>{t("firmware.releases")}</h2>
          {may("upload") && <button type="button" className="button button-primary push" onClick={() => setOpen("new")}>{t("firmware.upload")}</button>}
        </header>
        {releases.error && !releases.answer && <ErrorNote what={t("firmware.failed")} error={releases.error} again={releases.again} />}
        {!releases.answer && !releases.error && <Skeleton height={120} />}
        {releases.answer?.length === 0 && <EmptyNote title={t("firmware.none")} text={t("firmware.none_hint")} />}
        {releases.answer?.length > 0 && <ReleaseTable views={releases.answer} onOpen={setOpen} />}
      </section>
      <KeyList keys={keys} mayTrust={may("trust")} onChanged={changed} />
      {open === "new" && <NewRelease onClose={() => setOpen(null)} onDone={(release) => { setOpen(release.id); changed(); }} />}
      {chosen && <ReleaseSheet key={chosen.release.id} view={chosen} may={may} username={username} onClose={() => setOpen(null)} onChanged={changed} />}
    </div>
  );
});

function ReleaseTable({ views, onOpen }) {
  return (
    <table className="table people-table">
      <thead>
        <tr><th>{t("firmware.release")}</th><th>{t("firmware.state")}</th><th>{t("firmware.signature")}</th><th>{t("firmware.hardware")}</th><th>{t("firmware.file")}</th><th>{t("firmware.running")}</th><th>{t("firmware.uploaded")}</th></tr>
      </thead>
      <tbody>
        {views.map(({ release, running, key_name: keyName, fault }) => (
          <tr key={release.id}>
            <td>
              <button type="button" className="link" onClick={() => onOpen(release.id)}>{release.name} {release.version}</button>
              <div className="caption">{t("firmware.security_of", { version: release.security_version })}</div>
            </td>
            <td data-label={t("firmware.state")}><span className="chip" data-state={release.state}>{t("firmware.state_of", { state: release.state })}</span></td>
            <td data-label={t("firmware.signature")}>
              {fault ? <span className="chip chip-ends" title={fault}>{t("firmware.does_not_hold")}</span> : keyName || t("firmware.not_signed")}
            </td>
            <td data-label={t("firmware.hardware")} className="wraps">{hardwareLine(release.hardware)}</td>
            <td data-label={t("firmware.file")}>{t("firmware.kind_of", { kind: release.artifact.bundle.kind })}<div className="caption">{size(release.artifact.bytes)}</div></td>
            <td data-label={t("firmware.running")}>{t("firmware.running_on", { count: running })}</td>
            <td data-label={t("firmware.uploaded")}>{release.uploaded_by}<div className="caption"><Moment at={release.uploaded_at} /></div></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
