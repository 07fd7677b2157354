/* The settings of the installation: found, changed with a review and a reason, compared and brought back, taken along. */
import { useState } from "react";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { ErrorNote, Skeleton } from "./parts.jsx";
import { told } from "./settings_banner.jsx";
import { SettingsFile } from "./settings_file.jsx";
import { SettingsHistory } from "./settings_history.jsx";
import { SettingsTree } from "./settings_tree.jsx";

const TABS = ["tree", "history", "file"];

export const SettingsPage = guarded(function SettingsPage({ mayWrite = false }) {
  const [tab, setTab] = useState("tree");
  const { answer, error, again } = useQuery("settings.tree");
  const done = () => {
    told();
    again();
  };
  if (error && !answer) return <section className="card"><ErrorNote what={t("general.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={320} /></section>;
  const shared = { view: answer, mayWrite, onChanged: done };
  return (
    <div className="stack general">
      <div className="segments general-tabs" role="group" aria-label={t("general.parts")}>
        {TABS.map((name) => (
          <button key={name} type="button" className="segment" aria-pressed={tab === name} onClick={() => setTab(name)}>{t(`general.tab.${name}`)}</button>
        ))}
      </div>
      <div hidden={tab !== "tree"}><SettingsTree {...shared} /></div>
      {tab === "history" && <SettingsHistory {...shared} />}
      {tab === "file" && <SettingsFile {...shared} />}
    </div>
  );
});
