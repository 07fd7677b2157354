/* Says on every page of those who can do something about it that a certificate ends within days. */
import { useEffect } from "react";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { Go } from "./parts.jsx";

const EVERY_MS = 3_600_000;
const NAMED_MAX = 3;

export function ExpiryBanner({ rights = [] }) {
  const isTold = rights.includes("system.configure");
  const { answer, again } = useQuery("expiries.list", isTold ? undefined : null);
  useEffect(() => {
    const asking = setInterval(again, EVERY_MS);
    return () => clearInterval(asking);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- one timer for the life of the page
  }, []);
  const ending = isTold ? (answer ?? []).filter((each) => !each.is_sound) : [];
  if (!ending.length) return null;
  return (
    <div className="expiry-banner" role="status">
      <ul>
        {ending.slice(0, NAMED_MAX).map(({ expiry, days_left: days }) => (
          <li key={`${expiry.kind} ${expiry.id}`}>
            <strong>{expiry.name}</strong> {days < 0 ? t("certificates.ended") : t("certificates.days_left", { count: days })}
            {expiry.href && <> <Go to={expiry.href}>{t("certificates.see")}</Go></>}
          </li>
        ))}
        {ending.length > NAMED_MAX && <li>{t("certificates.more_ending", { count: ending.length - NAMED_MAX })}</li>}
      </ul>
    </div>
  );
}
