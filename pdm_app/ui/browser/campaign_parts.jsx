/* Parts that the list of campaigns and the page of one share: the bar of states, the words of a release, asking again. */
import { useEffect } from "react";
import { barOf, TONES } from "./campaigns.js";
import { number } from "./format.js";
import { t } from "./messages.js";

const MARKS = { bad: "×", back: "↩", again: "↻" };

/** Ask again every so often, while somebody looks. */
export function useEvery(everyMs, again) {
  useEffect(() => {
    if (!everyMs) return undefined;
    const timer = setInterval(() => document.visibilityState === "visible" && again(), everyMs);
    return () => clearInterval(timer);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `again` is another one at each rendering and does the same
  }, [everyMs]);
}

export const stateWords = (state) => t("campaigns.action_of", { state });

/** How many devices are in which state, as one bar; the words for it are what a screen reader says. */
export function StateBar({ counts, large = false }) {
  const parts = barOf(counts);
  if (parts.length === 0) return <span className="caption">{t("campaigns.not_begun")}</span>;
  const words = parts.map(({ state, count }) => `${number(count)} ${stateWords(state)}`).join(", ");
  return (
    <div className="campaign-bar" data-large={large} role="img" aria-label={words} title={words}>
      {parts.map(({ state, count }) => (
        <span key={state} className="campaign-tone" data-tone={TONES[state]} style={{ flexGrow: count }} aria-hidden="true">{large && MARKS[TONES[state]]}</span>
      ))}
    </div>
  );
}

/** The same in numbers. */
export function StateLegend({ counts }) {
  return (
    <ul className="campaign-legend">
      {barOf(counts).map(({ state, count }) => (
        <li key={state}>
          <span className="campaign-count"><span className="campaign-tone" data-tone={TONES[state]} aria-hidden="true">{MARKS[TONES[state]]}</span>{number(count)}</span>
          <span className="caption">{stateWords(state)}</span>
        </li>
      ))}
    </ul>
  );
}

/** "gateway-os 2.0.0"; a way back has no one release. */
export function releaseWords(campaign, releases) {
  const found = releases?.find(({ release }) => release.id === campaign.release_id)?.release;
  if (campaign.kind === "rollback" && !found) return t("campaigns.last_good");
  return found ? `${found.name} ${found.version}` : "–";
}

/** Name of a campaign's group, as far as the reader may see groups. */
export const groupWords = (campaign, groups) => groups?.find(({ group }) => group.id === campaign.group_id)?.group.name ?? "–";

export function StateChip({ campaign }) {
  return <span className="chip" data-state={campaign.state}>{t("campaigns.state_of", { state: campaign.state })}</span>;
}
