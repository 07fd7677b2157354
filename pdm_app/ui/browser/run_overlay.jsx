/* Runs that were chosen, laid over each other for one signal of their machine, and the way to more of them in the trends. */
import { useState } from "react";
import { Field } from "./form_parts.jsx";
import { unitSymbol } from "./format.js";
import { useQuery } from "./hooks.js";
import { t } from "./messages.js";
import { Go } from "./parts.jsx";
import { RunLanes } from "./run_lanes.jsx";
import { inUnits } from "./units_shown.js";
import { withView } from "./workspace_state.js";

export function RunOverlay({ runs, of }) {
  const { answer: signals } = useQuery("signals.list", of ? { asset_id: of.asset_id } : null);
  const drawn = (signals ?? []).filter((signal) => signal.data_type !== "text");
  const [picked, setPicked] = useState(null);
  const [elapsed, setElapsed] = useState(null);
  const signal = drawn.find((each) => each.id === picked) ?? drawn.find((each) => of?.signals.includes(each.id)) ?? drawn[0];
  const shown = inUnits(signal);
  const address = signal && withView({ list: [{ signal: signal.id }], marks: { a: null, b: null }, earlier_s: 0, hidden: [], isTable: false, runs, elapsed }, new URLSearchParams());
  return (
    <section className="card stack">
      <header className="card-head">
        <h2>{t("batches.overlay")}</h2>
        {address && <Go to={`/trends?${address}`}>{t("runs.in_trends")}</Go>}
        {drawn.length > 0 && (
          <Field as="select" label={t("batches.signal")} value={signal?.id ?? ""} onChange={(event) => setPicked(Number(event.target.value))}>
            {drawn.map((each) => <option key={each.id} value={each.id}>{each.label}</option>)}
          </Field>
        )}
      </header>
      {signal && <RunLanes signals={[{ record: signal, name: signal.label, unit: unitSymbol(shown.unit), decimals: shown.decimals ?? 2 }]} {...{ runs, elapsed, setElapsed }} />}
    </section>
  );
}
