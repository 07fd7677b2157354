/* The active alarms: grouped by what is owed to them, worked by mouse, finger or keyboard. */
import { useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { ActError } from "./acknowledge.jsx";
import { AlarmKeys, useAlarmKeys } from "./alarm_keys.jsx";
import { AlarmCounts } from "./alarm_parts.jsx";
import { AlarmRow } from "./alarm_row.jsx";
import { Chosen, ListHead, useChoice } from "./alarm_choice.jsx";
import { AlarmAreas, place } from "./alarm_areas.jsx";
import { ofArea } from "./alarm_places.js";
import { floodGroups } from "./alarm_flood.js";
import { board, needsAcknowledging, pageOf, useAlarms, useFlood } from "./alarms.js";
import { useRows } from "./alarm_rows.js";
import { usePlaces } from "./directory.js";
import { guarded } from "./guard.jsx";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { useVirtual } from "./virtual.js";

const VIRTUAL_FROM = 200; // Shorter lists are drawn whole, so that the browser's own search finds every row.
const ROW_PX = 44;
const HEAD_PX = 30;
const OPEN_PX = 320;

export const AlarmList = guarded(function AlarmList({ siteId = "", mayAcknowledge = false, mayShelve = false }) {
  const { alarms, loaded, error } = useAlarms(siteId);
  if (!loaded && error) return <section className="card"><ErrorNote what={t("alarms.failed")} error={error} again={() => board.again()} /></section>;
  if (!loaded) return <section className="card alarms-loading">{[1, 2, 3, 4].map((row) => <Skeleton key={row} height={28} />)}</section>;
  if (!alarms.length) return <section className="card"><EmptyNote title={t("alarms.none")} text={t("alarms.none_text")} /></section>;
  return <Alarms alarms={alarms} siteId={siteId} mayAcknowledge={mayAcknowledge} mayShelve={mayShelve} />;
});

function Alarms({ alarms: all, siteId, mayAcknowledge, mayShelve }) {
  const places = usePlaces();
  const flood = useFlood(all);
  const [area, setArea] = useState(null);
  const alarms = useMemo(() => ofArea(all, area, (alarm) => place(places, alarm)), [all, area, places]);
  const owed = useMemo(() => alarms.filter(needsAcknowledging), [alarms]);
  const rest = useMemo(() => alarms.filter((alarm) => !needsAcknowledging(alarm)), [alarms]);
  const rows = useMemo(() => [...owed, ...rest], [owed, rest]);
  const [helping, setHelping] = useState(false);
  const navigate = useNavigate();
  const { open, current, asking, act, move } = useRows(rows, owed);
  const choice = useChoice(owed, act);

  useAlarmKeys({
    move,
    acknowledge: () => mayAcknowledge && (choice.chosen.length ? choice.acknowledge() : choice.acknowledgeOne(owed.find((row) => row.id === current))),
    comment: () => mayAcknowledge && current && act.ask(current, "note"),
    shelve: () => mayShelve && rows.some((row) => row.id === current && row.shelvable) && act.ask(current, "shelve"),
    open: () => {
      const alarm = rows.find((row) => row.id === current);
      if (alarm) navigate(pageOf(alarm.asset_id));
    },
    toggle: () => current && act.toggle(current),
    select: () => mayAcknowledge && owed.some((row) => row.id === current) && choice.select(current),
    help: () => setHelping(true),
    escape: () => (act.done(), choice.clear()),
  });

  const items = useMemo(() => {
    const groups = flood ? floodGroups(owed, (alarm) => areaOf(places, alarm)) : [[t("alarms.not_acknowledged"), owed]];
    return grouped([...groups, [t("alarms.acknowledged"), rest]]);
  }, [owed, rest, flood, places]);
  const estimate = (item) => (item.head ? HEAD_PX : open.has(item.key) ? OPEN_PX : ROW_PX);
  const { box, from, to, before, after, measure } = useVirtual(items, estimate, items.length > VIRTUAL_FROM);
  return (
    <>
      <div className="phone-only"><AlarmCounts siteId={siteId} /></div>
      <AlarmAreas alarms={all} places={places} chosen={area} choose={setArea} />
      {flood && <p className="alarms-flood" role="status">{t("alarms.flood")}</p>}
      <section className="card alarms">
        <Chosen choice={choice} asking={asking?.id === "chosen"} done={act.done} />
        {choice.error && (
          <div className="alarms-error">
            <ActError error={choice.error} />
            <button type="button" className="button button-small" onClick={choice.forget}>{t("action.dismiss")}</button>
          </div>
        )}
        <div role="treegrid" aria-label={t("alarms.list_label")} aria-rowcount={rows.length}>
          <ListHead mayAcknowledge={mayAcknowledge} choice={choice} box={box} owed={owed} />
          <div className="alarm-rows" role="rowgroup" ref={box}>
            {before > 0 && <div role="presentation" style={{ height: before }} />}
            {items.slice(from, to).map((item) =>
              item.head ? (
                <GroupHead key={item.key} item={item} help={() => setHelping(true)} />
              ) : (
                <AlarmRow
                  key={item.key} alarm={item.alarm} open={open.has(item.key)} selected={choice.selected.has(item.key)} current={current === item.key}
                  asking={asking?.id === item.key ? asking.purpose : null} mayAcknowledge={mayAcknowledge} mayShelve={mayShelve} act={act} select={choice.select}
                  measure={measure} position={item.position}
                />
              ),
            )}
            {after > 0 && <div role="presentation" style={{ height: after }} />}
          </div>
        </div>
      </section>
      <AlarmKeys open={helping} close={() => setHelping(false)} />
    </>
  );
}

/* Heads and their alarms as items of the list, counted through; nothing for an empty group. */
function grouped(groups) {
  const items = [];
  let first = 1;
  for (const [head, alarms] of groups) {
    if (!alarms.length) continue;
    items.push({ key: `head ${head}`, head, count: alarms.length, first }, ...alarms.map((alarm, index) => ({ key: alarm.id, alarm, position: first + index })));
    first += alarms.length;
  }
  return items;
}

const areaOf = (places, alarm) => places.get(alarm.asset_id)?.line.name ?? alarm.asset_id;

function GroupHead({ item, help }) {
  return (
    <div className="alarms-group" role="row">
      <span role="rowheader">{item.head} <span className="quiet">{item.count}</span></span>
      <span role="gridcell">{item.first === 1 && <button type="button" className="alarms-hint" onClick={help}>{t("alarms.hint")}</button>}</span>
    </div>
  );
}
