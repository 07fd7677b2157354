/* Which runs of a machine are laid over each other: those that are, and a sheet in which others are found. */
import { useState } from "react";
import { usePlaces } from "./directory.js";
import { Check, Sheet } from "./form_parts.jsx";
import { duration } from "./format.js";
import { useNow, useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { RUNS_MAX } from "./workspace_state.js";

const LISTED = 100;

/** `runs` are the ids that are chosen, `assetId` the machine whose runs are offered; null while no signal is chosen. */
export function RunChoice({ runs, assetId, toggle, clear }) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <fieldset className="workspace-overlay">
      <legend>{t("runs.title")}</legend>
      {runs.length > 0 && <p className="caption">{t("runs.chosen", { count: runs.length, most: RUNS_MAX })}</p>}
      <div className="note-actions">
        <button type="button" className="button button-small" disabled={!assetId} onClick={() => setIsOpen(true)}>{t("runs.choose")}</button>
        {runs.length > 0 && <button type="button" className="button button-small" onClick={clear}>{t("runs.clear")}</button>}
      </div>
      {!assetId && <p className="caption">{t("runs.signal_first")}</p>}
      {isOpen && assetId && (
        <Sheet title={t("runs.choose")} onClose={() => setIsOpen(false)} side>
          <RunList {...{ runs, assetId, toggle }} />
        </Sheet>
      )}
    </fieldset>
  );
}

function RunList({ runs, assetId, toggle }) {
  const [isGolden, setIsGolden] = useState(false);
  const { answer, error, again } = useQuery("batches.page", { asset_id: assetId, limit: LISTED, golden: isGolden });
  const code = usePlaces().get(assetId)?.asset.code ?? "";
  const now = useNow();
  if (error && !answer) return <ErrorNote what={t("batches.failed")} error={error} again={again} />;
  if (!answer) return <Skeleton height={120} />;
  return (
    <div className="stack">
      <Check label={t("runs.golden_only")} checked={isGolden} onChange={(event) => setIsGolden(event.target.checked)} />
      {answer.length === 0 && <EmptyNote title={t("batches.empty")} text={t("runs.none_of", { code })} />}
      <ul className="sessions run-choice">
        {answer.map((run) => (
          <li key={run.id}>
            <Check label={run.name} checked={runs.includes(run.id)} onChange={() => toggle(run.id)} />
            <span className="caption"><Moment at={run.started_at} />, {run.ended_at ? duration((run.ended_at - run.started_at) / 1e6) : now !== null && t("runs.running", { span: duration((now - run.started_at) / 1e6) })}{run.is_golden && `, ${t("batches.golden")}`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
