/* Runs over each other on one axis of time from their beginnings: a lane for each signal, and a table that follows the cursor. */
import { useEffect, useMemo, useRef, useState } from "react";
import { duration, number, timer } from "./format.js";
import { link } from "./link.js";
import { t } from "./messages.js";
import { EmptyNote, ErrorNote, Skeleton } from "./parts.jsx";
import { colourOf, makeRunPlot } from "./run_plot.js";
import { columnsOf, isOutside, longestOf, movedSpan, spanOf, valuesAt, zoomedSpan } from "./run_series.js";
import { listen } from "./trend_gestures.js";
import { useWidth } from "./width.js";

const LANE_HEIGHT = 180;
const LANE_ALONE = 320;
const POINTS = 1_000;

/* {answers: by signal, error, again} of batches.series. */
function useRuns(signals, runs) {
  const [state, setState] = useState({ answers: null, error: null });
  const [round, setRound] = useState(0);
  const key = `${signals.join()} ${runs.join()}`;
  useEffect(() => {
    if (!signals.length || !runs.length) return undefined;
    const abort = new AbortController();
    const ask = (signal) => link().query("batches.series", { runs, signal, points: POINTS }, { signal: abort.signal });
    Promise.all(signals.map(ask)).then(
      (answers) => abort.signal.aborted || setState({ answers: new Map(answers.map((answer) => [answer.signal, answer])), error: null }),
      (error) => abort.signal.aborted || setState((before) => ({ ...before, error })),
    );
    return () => abort.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for the content of both lists
  }, [key, round]);
  return { ...state, again: () => setRound((count) => count + 1) };
}

/**
 * `signals` is [{record, name, unit, decimals}] with the records as they are kept; `runs` ids. `elapsed` is what of the
 * time is shown, [from, to] in seconds from the beginnings, null for all; `setElapsed` takes the next one.
 */
export function RunLanes({ signals, runs, elapsed, setElapsed }) {
  const [frame, width] = useWidth(0);
  const told = useRef(null);
  const plots = useRef(new Map());
  const view = useRef(null);
  const { answers, error, again } = useRuns(signals.map(({ record }) => record.id), runs);
  const named = signals.map(({ name, unit }) => `${name} ${unit}`).join("|");
  const lanes = useMemo(() => signals.flatMap((signal) => {
    const answer = answers?.get(signal.record.id);
    return answer ? [{ ...signal, answer, columns: columnsOf(answer, signal.record) }] : [];
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `named` stands for the content of `signals`
  }), [answers, named]);
  const longest = longestOf(lanes.map(({ answer }) => answer));
  const span = spanOf(elapsed, longest);
  view.current = { ...span, longest };
  useEffect(() => {
    for (const plot of plots.current.values()) plot.setScale("x", { min: span.from_s, max: span.to_s });
  }, [span.from_s, span.to_s]);
  if (error && !answers) return <ErrorNote what={t("batches.failed")} error={error} again={again} />;
  if (!answers) return <Skeleton height={LANE_ALONE} />;
  if (!lanes.some(({ columns }) => columns.slice(3).some((column) => column.some((value) => value !== null)))) {
    return <EmptyNote title={t("batches.overlay_empty")} text={t("runs.empty_hint")} />;
  }
  const zoom = (factor, at) => setElapsed(zoomedSpan(view.current, factor, at, view.current.longest));
  const move = (share) => setElapsed(movedSpan(view.current, share, view.current.longest));
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const middle = (span.from_s + span.to_s) / 2;
    const does = { "+": () => zoom(0.5, middle), "-": () => zoom(2, middle), "[": () => move(-0.5), "]": () => move(0.5), Escape: () => setElapsed(null) }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  };
  return (
    <div className="stack">
      {error && <ErrorNote what={t("batches.failed")} error={error} again={again} compact />}
      <div className="workspace-lanes" ref={frame} tabIndex={0} role="application" aria-label={t("batches.overlay_of", { count: runs.length })} onKeyDown={keys}>
        {width > 0 && lanes.map((lane, place) => (
          <RunLane
            key={lane.record.id} lane={lane} width={width} height={lanes.length === 1 ? LANE_ALONE : LANE_HEIGHT} isLast={place === lanes.length - 1}
            {...{ view, plots, told, setElapsed, zoom, move }}
          />
        ))}
      </div>
      <p className="trend-foot caption">
        <span>{t(lanes[0].answer.band_runs.length ? "batches.band_of" : "runs.no_band", { count: lanes[0].answer.band_runs.length })}</span>
        <span>{t("runs.hint")}</span>
      </p>
      <RunTable lanes={lanes} told={told} />
    </div>
  );
}

function RunLane({ lane, width, height, isLast, view, plots, told, setElapsed, zoom, move }) {
  const box = useRef(null);
  const plot = useRef(null);
  const does = useRef(null);
  does.current = { setElapsed, zoom, move };
  const { answer, columns, record } = lane;
  const shape = answer.runs.map((run) => `${run.run_id}${run.is_golden}`).join("|");
  const full = height + (isLast ? 24 : 0);
  const kept = plots.current;
  useEffect(() => {
    const made = makeRunPlot(box.current, {
      width, height: full, runs: answer.runs, data: columns, isLast, syncKey: "runs", view: () => view.current,
      on: {
        cursor: (row) => told.current?.(row ?? null), zoom: (from, to) => does.current.setElapsed([from, to]), reset: () => does.current.setElapsed(null),
      },
    });
    plot.current = made;
    kept.set(record.id, made);
    const time = (clientX) => made.posToVal(clientX - made.over.getBoundingClientRect().left, "x");
    const leave = listen(made.over, time, { zoom: (factor, at) => does.current.zoom(factor, at), move: (share) => does.current.move(share) });
    return () => {
      leave();
      kept.delete(record.id);
      made.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- made once per shape and size; all else flows through refs
  }, [shape, full, isLast, record.id]);
  useEffect(() => plot.current?.setSize({ width, height: full }), [width, full]);
  useEffect(() => {
    plot.current?.setData(columns, true);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the columns are those of the answer
  }, [answer]);
  return (
    <div className="workspace-lane">
      <span className="workspace-unit caption">{lane.name}{lane.unit && `, ${lane.unit}`}</span>
      <div ref={box} className="trend-plot" />
    </div>
  );
}

/* Each run with its colour, and what it stood at under the cursor; without one, its means. */
function RunTable({ lanes, told }) {
  const [row, setRow] = useState(null);
  told.current = setRow; // The lanes are not drawn anew for a step of the cursor.
  const { answer } = lanes[0];
  const at = row === null ? null : answer.at_s[row];
  const values = lanes.map(({ columns }) => valuesAt(columns, row));
  return (
    <div className="table-scroll">
      <table className="table run-table">
        <caption className="caption">{at === null || at === undefined ? t("runs.means") : t("runs.at", { at: timer(at) })}</caption>
        <thead>
          <tr><th>{t("runs.run")}</th><th className="right">{t("batches.lasted")}</th>{lanes.map((lane) => <th key={lane.record.id} className="right">{lane.name} <span className="caption">{lane.unit}</span></th>)}</tr>
        </thead>
        <tbody>
          {answer.runs.map((run, place) => (
            <tr key={run.run_id}>
              <td><span className="run-key" style={{ background: `var(--c${colourOf(place)})` }} /> {run.name}{run.is_golden && <span className="caption"> {t("batches.golden")}</span>}</td>
              <td className="right">{duration(run.duration_s)}</td>
              {lanes.map((lane, each) => {
                const value = values[each][place] ?? null;
                const isOut = isOutside(lane.columns, row, value);
                return <td key={lane.record.id} className="right" data-outside={isOut}>{value === null ? "–" : number(value, lane.decimals)}{isOut && <span className="caption"> {t("runs.outside")}</span>}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
