/* Where history is kept: the database and its tiers, files of closed days, the room that is left, and what goes when. */
import { number, duration, size } from "./format.js";
import { guarded } from "./guard.jsx";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Moment, Skeleton } from "./parts.jsx";
import { Retention } from "./storage_retention.jsx";

const DAYS_LEFT_SOON = 30;
const dayOf = (at) => new Date(at / 1000).toISOString().slice(0, 10);

export const StoragePage = guarded(function StoragePage() {
  const { answer, error, again } = useQuery("storage.status");
  if (error && !answer) return <section className="card"><ErrorNote what={t("storage.failed")} error={error} again={again} /></section>;
  if (!answer) return <section className="card"><Skeleton height={240} /></section>;
  return (
    <div className="stack storage">
      <Figures status={answer} />
      <Retention onRun={again} />
      <Tiers status={answer} />
      {answer.partitions.length > 0 && <Partitions partitions={answer.partitions} />}
      <Due days={answer.due} hotDays={answer.hot_days} />
      <Files files={answer.files} damaged={answer.damaged} store={answer.store} />
    </div>
  );
});

function Figures({ status }) {
  const { backend, room, buffer, cache } = status;
  const soon = status.days_left !== null && status.days_left < DAYS_LEFT_SOON;
  const asked = cache ? cache.hits + cache.misses : 0;
  const hot = status.tiers.filter((tier) => tier.place === "hot");
  const cold = status.tiers.find((tier) => tier.place === "cold");
  const all = backend.bytes + cold.bytes;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("storage.now")}</h2></header>
      <dl className="storage-figures">
        <Figure name={t("storage.backend")} value={`${backend.name} ${backend.version}`} note={backend.place} />
        <Figure name={t("storage.size")} value={size(all)} note={t("storage.size_note", { database: size(backend.bytes), files: size(cold.bytes) })} />
        <Figure name={t("storage.samples")} value={number(status.samples)} note={t("storage.tiers_note", { hot: number(hot[0].rows), cold: number(cold.rows) })} />
        <Figure name={t("storage.growth")} value={status.growth_bytes_per_day === null ? t("storage.unknown") : t("storage.per_day", { size: size(status.growth_bytes_per_day) })}
          note={status.samples_per_day === null ? t("storage.growth_later") : t("storage.samples_per_day", { samples: number(status.samples_per_day) })} />
        <Figure name={t("storage.room")} value={size(room.free_bytes)} problem={soon} note={t("storage.room_note", { total: size(room.total_bytes) })} />
        <Figure name={t("storage.days_left")} problem={soon} value={status.days_left === null ? t("storage.unknown") : duration(status.days_left * 86_400)} note={t("storage.days_left_note")} />
        <Figure name={t("storage.buffer")} value={size(buffer.bytes)} problem={buffer.trouble !== "" || buffer.damaged > 0} note={buffer.trouble || (buffer.damaged > 0 && t("storage.buffer_damaged", { count: buffer.damaged })) || t("storage.buffer_note", { samples: number(buffer.samples), max: size(buffer.bytes_max) })} />
        <Figure name={t("storage.cache")} value={asked ? t("storage.percent", { percent: number((100 * cache.hits) / asked) }) : t("storage.unknown")} note={cache ? size(cache.bytes) : ""} />
      </dl>
    </section>
  );
}

function Figure({ name, value, note, problem = false }) {
  return (
    <div data-problem={problem}>
      <dt>{name}</dt>
      <dd><span className="strong">{value}</span><span className="caption wraps">{note}</span></dd>
    </div>
  );
}

function Tiers({ status }) {
  return (
    <section className="card people">
      <header className="card-head"><h2>{t("storage.tiers")}</h2></header>
      <table className="table people-table">
        <thead>
          <tr><th>{t("storage.tier")}</th><th>{t("storage.rows")}</th><th>{t("storage.size")}</th><th>{t("storage.bytes_each")}</th><th>{t("storage.from")}</th><th>{t("storage.to")}</th></tr>
        </thead>
        <tbody>
          {status.tiers.map((tier) => (
            <tr key={tier.tier + tier.place}>
              <td><span className="strong">{t("storage.tier_of", { tier: tier.place === "cold" ? "cold" : tier.tier })}</span></td>
              <td data-label={t("storage.rows")}>{number(tier.rows)}{tier.is_estimated && <span className="caption"> {t("storage.about")}</span>}</td>
              <td data-label={t("storage.size")}>{size(tier.bytes)}</td>
              <td data-label={t("storage.bytes_each")}>{tier.rows ? number(tier.bytes / tier.rows, 1) : "–"}</td>
              <td data-label={t("storage.from")}>{tier.first_at === null ? "–" : <Moment at={tier.first_at} />}</td>
              <td data-label={t("storage.to")}>{tier.last_at === null ? "–" : <Moment at={tier.last_at} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

const dayOfPartition = ({ start_at, end_at }) =>
  end_at === null ? t("storage.rest") : start_at === null ? t("storage.past") : dayOf(start_at);

function Partitions({ partitions }) {
  return (
    <section className="card people">
      <header className="card-head"><h2>{t("storage.partitions")}</h2></header>
      <table className="table people-table">
        <thead><tr><th>{t("storage.day")}</th><th>{t("storage.rows")}</th><th>{t("storage.size")}</th></tr></thead>
        <tbody>
          {partitions.map((part) => (
            <tr key={part.name}>
              <td><span className="strong">{dayOfPartition(part)}</span> <span className="code caption">{part.name}</span></td>
              <td data-label={t("storage.rows")}>{number(part.rows)} <span className="caption">{t("storage.about")}</span></td>
              <td data-label={t("storage.size")}>{size(part.bytes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Closed days that are still rows of the database, though they are old enough for a file. */
function Due({ days, hotDays }) {
  if (days.length === 0) return null;
  return (
    <section className="card">
      <header className="card-head"><h2>{t("storage.due")}</h2></header>
      <p className="muted">{t("storage.due_text", { days: hotDays })}</p>
      <ul className="sessions">
        {days.map((day) => (
          <li key={day.start_at}>
            <div>
              <span className="strong">{dayOf(day.start_at)}</span>{" "}
              <span className="caption">{t("storage.due_day", { samples: number(day.samples), signals: day.signals, size: size(day.bytes) })}</span>
              {day.trouble && <p className="field-error">{day.trouble}</p>}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Where the files are, and what keeps them from getting there or being read. */
function Store({ store }) {
  if (store.kind === "folder") return <p className="muted wraps">{t("storage.store_folder", { place: store.place })}</p>;
  return (
    <>
      <p className="muted wraps">{t("storage.store_bucket", { place: store.place, size: size(store.cache_bytes), max: size(store.cache_bytes_max) })}</p>
      {!store.is_secured && <p className="note note-error" data-compact="true">{t("storage.store_open")}</p>}
      {store.trouble && (
        <p className="note note-error wraps" data-compact="true" role="alert">
          {store.trouble}{store.trouble_since !== null && <> {t("storage.store_since")} <Moment at={store.trouble_since} /></>}
        </p>
      )}
      {store.waiting > 0 && <p className="note" data-compact="true">{t("storage.store_waiting", { count: store.waiting })}</p>}
    </>
  );
}

function Files({ files, damaged, store }) {
  const { answer, error, again } = useQuery("storage.files", { limit: 100 });
  return (
    <section className="card people">
      <header className="card-head"><h2>{t("storage.files")}</h2><span className="muted push">{t("storage.files_count", { count: files })}</span></header>
      <Store store={store} />
      {damaged > 0 && <p className="note note-error" data-compact="true" role="alert">{t("storage.damaged", { count: damaged })}</p>}
      {error && !answer && <ErrorNote what={t("storage.failed")} error={error} again={again} />}
      {answer?.length === 0 && <EmptyNote title={t("storage.no_files")} text={t("storage.no_files_hint")} />}
      {answer?.length > 0 && (
        <table className="table people-table">
          <thead>
            <tr><th>{t("storage.day")}</th><th>{t("storage.rows")}</th><th>{t("storage.size")}</th><th>{t("storage.bytes_each")}</th><th>{t("storage.checked")}</th></tr>
          </thead>
          <tbody>
            {answer.map((file) => (
              <tr key={file.name} data-state={file.trouble ? "damaged" : "whole"}>
                <td><span className="strong">{dayOf(file.start_at)}</span><div className="code caption">{file.name}</div></td>
                <td data-label={t("storage.rows")}>{t("storage.of_signals", { samples: number(file.samples), signals: file.signals })}</td>
                <td data-label={t("storage.size")}>{size(file.bytes)}</td>
                <td data-label={t("storage.bytes_each")}>{file.samples ? number(file.bytes / file.samples, 1) : "–"}</td>
                <td data-label={t("storage.checked")}>
                  {file.trouble ? <span className="field-error">{file.trouble}</span> : <><Moment at={file.made_at} /><div className="code caption" title={file.sha256}>{file.sha256.slice(0, 12)}</div></>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
