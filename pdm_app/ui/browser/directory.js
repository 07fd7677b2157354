/* What things are called: machines with their lines, and signals with their units; asked once per page. */
import { useEffect } from "react";
import { link } from "./link.js";
import { Store } from "./store.js";
import { useStore } from "./use_store.js";

const STALE_MS = 300_000; // A renamed machine shows its new name within five minutes, or after a reload.

/** One answer that many widgets share: {value, error}. A failure is forgotten, so that the next widget asks again. */
class Shared {
  constructor(ask, empty) {
    this.ask = ask;
    this.store = new Store({ value: empty, error: null, loaded: false });
    this.askedAt = 0;
  }

  want() {
    if (Date.now() - this.askedAt < STALE_MS) return;
    this.askedAt = Date.now();
    this.ask().then(
      (value) => this.store.set({ value, error: null, loaded: true }),
      (error) => {
        this.askedAt = 0;
        this.store.patch({ error });
      },
    );
  }
}

const places = new Shared(async () => {
  const { lines } = await link().query("assets.overview", {});
  return new Map(lines.flatMap(({ line, area, site, assets }) => assets.map((asset) => [asset.id, { asset, line, area, site }])));
}, new Map());

/** asset id → {asset, line, area, site}; empty until known. */
export function usePlaces() {
  useEffect(() => places.want(), []);
  return useStore(places.store).value;
}

const signalsOfAsset = new Map();

function signalsOf(assetId) {
  if (!signalsOfAsset.has(assetId)) {
    signalsOfAsset.set(assetId, new Shared(() => link().query("signals.list", { asset_id: assetId }), []));
  }
  return signalsOfAsset.get(assetId);
}

/** The signals of one machine; empty until known. */
export function useSignals(assetId) {
  const shared = signalsOf(assetId);
  useEffect(() => shared.want(), [shared]);
  return useStore(shared.store).value;
}

/** One signal of a machine; null until known. */
export function useSignal(assetId, signalId) {
  return useSignals(assetId).find((signal) => signal.id === signalId) ?? null;
}
