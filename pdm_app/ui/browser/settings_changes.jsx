/* How settings differ: before and after, one under the other where there is no room for both. */
import { t } from "./messages.js";
import { shownOf } from "./settings_edit.js";

export function Changes({ changes, leftOut = {} }) {
  return (
    <>
      {changes.length === 0 ? <p className="muted">{t("general.no_difference")}</p> : (
        <table className="table people-table settings-changes">
          <thead>
            <tr><th>{t("general.setting")}</th><th>{t("general.before")}</th><th>{t("general.after")}</th><th>{t("general.effect")}</th></tr>
          </thead>
          <tbody>
            {changes.map((change) => (
              <tr key={change.key}>
                <td className="code">{change.key}</td>
                <td data-label={t("general.before")}><del>{said(change, change.before)}</del></td>
                <td data-label={t("general.after")}><ins>{said(change, change.after)}</ins></td>
                <td data-label={t("general.effect")}>{t("general.effect_of", { effect: change.effect })}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {Object.entries(leftOut).map(([key, problem]) => <p key={key} className="field-error">{t("general.left_out", { key, problem })}</p>)}
    </>
  );
}

function said(change, value) {
  if (value === null) return t("general.by_default", { value: shownOf(null, change.default) || t("general.empty") });
  return shownOf(null, value) || t("general.empty");
}
