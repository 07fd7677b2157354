import assert from "node:assert/strict";
import { test } from "node:test";
import { pixel, scaleOf, windowOf } from "../../../pdm_app/ui/browser/scale.js";
import { niceTicks, timeTicks } from "../../../pdm_app/ui/browser/ticks.js";
import { alarmIntervals, append, columnsOf, gapOf } from "../../../pdm_app/ui/browser/trend_series.js";
import { boundsOf, following, fromQuery, moved, still, toQuery, zoomed } from "../../../pdm_app/ui/browser/trend_period.js";

const S = 1e6;
const NOW = 1_000_000 * S;

test("zooming keeps the time under the pointer where it is", () => {
  const period = still(NOW - 1000 * S, NOW - 900 * S, NOW);
  const at = NOW - 975 * S;
  const closer = zoomed(period, 0.5, at, NOW);
  const share = ({ from, to }) => (at - from) / (to - from);
  assert.ok(Math.abs(share(closer) - share(period)) < 1e-6);
  assert.equal(closer.to - closer.from, 50 * S);
});

test("a live trend that is zoomed at its end stays live; zoomed in its past it stands still", () => {
  const period = following(1000 * S);
  assert.ok(zoomed(period, 0.5, NOW, NOW).live);
  assert.ok(!zoomed(period, 0.5, NOW - 800 * S, NOW).live);
});

test("no zoom goes below ten seconds", () => {
  assert.equal(zoomed(still(NOW - 20 * S, NOW - 5 * S, NOW), 0.01, NOW - 10 * S, NOW).span_us, 10 * S);
});

test("moving into the future ends at now, and follows it", () => {
  const period = still(NOW - 2000 * S, NOW - 1000 * S, NOW);
  assert.deepEqual(boundsOf(moved(period, -0.5, NOW), NOW), { from: NOW - 2500 * S, to: NOW - 1500 * S });
  assert.ok(moved(period, 2, NOW).live);
});

test("a period survives in an address that can be shared", () => {
  const there = (period) => fromQuery(toQuery(period, new URLSearchParams("tab=trends")));
  assert.deepEqual(there(following(3600 * S)), following(3600 * S));
  const past = still(NOW - 2000 * S, NOW - 1000 * S, NOW);
  assert.deepEqual(there(past), past);
  assert.equal(toQuery(past, new URLSearchParams("tab=trends")).get("tab"), "trends");
});

test("an address that makes no sense is as good as none", () => {
  for (const query of ["", "span=banana", "span=-5", "from=x&to=y", "from=2026-11-20T11:00:00Z&to=2026-11-20T10:00:00Z"]) {
    assert.equal(fromQuery(new URLSearchParams(query)), null);
  }
});

const bucketed = (at, mean) => ({ bucket_us: 10 * S, at: at.map((each) => each * S), low: mean, high: mean, mean });

test("buckets that are absent are gaps like those without a good sample", () => {
  const [times, , , mean] = columnsOf(bucketed([0, 10, 60, 70], [1, 2, 3, null]));
  assert.deepEqual(mean, [1, 2, null, 3, null]);
  assert.deepEqual(times.map(Math.round), [0, 10, 10, 60, 70]);
});

test("raw points of a slow signal are joined across its usual step, but not across a loss", () => {
  const raw = { bucket_us: 0, at: [0, 30, 60, 90, 400].map((each) => each * S), low: [1, 1, 1, 1, 1], high: [1, 1, 1, 1, 1], mean: [1, 1, 1, 1, 1] };
  assert.equal(gapOf(raw), 150 * S);
  assert.deepEqual(columnsOf(raw)[3], [1, 1, 1, 1, null, 1]);
});

test("the live tail takes newer samples only, and opens a gap where some are missing", () => {
  const columns = columnsOf(bucketed([0, 10], [1, 2]));
  assert.equal(append(columns, 10 * S, 9, 25 * S), false);
  assert.equal(append(columns, 11 * S, 3, 25 * S), true);
  assert.equal(append(columns, 60 * S, 4, 25 * S), true);
  assert.deepEqual(columns[3], [1, 2, 3, null, 4]);
});

test("alarm intervals run from raised to returned, and to now while they stand", () => {
  const entry = (alarm_id, kind, at) => ({ id: `${alarm_id}${at}`, alarm_id, kind, at, priority: 2, name: "x" });
  const intervals = alarmIntervals(
    [entry("a", "returned", 20), entry("a", "raised", 10), entry("a", "raised", 30), entry("b", "raised", 40)],
    [{ id: "a", state: "B", raised_at: 30 }, { id: "c", state: "C", raised_at: 5, priority: 1, name: "before the span" }],
    100,
  );
  assert.deepEqual(intervals.map(({ from, to, state }) => [from, to, state]), [[5, 100, "acked"], [10, 20, "acked"], [30, 100, "unacked"], [40, 100, "acked"]]);
});

test("ticks are round and enclose the data", () => {
  assert.deepEqual(niceTicks(0.38, 0.93, 4), [0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(niceTicks(1465, 1492, 5), [1460, 1470, 1480, 1490, 1500]);
  assert.deepEqual(niceTicks(-3, 3, 3), [-4, -2, 0, 2, 4]);
  assert.ok(niceTicks(5, 5, 4).length >= 2);
});

test("time ticks stand on round times of the site's clock", () => {
  const day = 86_400 * S;
  const india = 19_800 * S; // 5 h 30 min
  for (const tick of timeTicks(100 * day, 100 * day + 8 * 3_600 * S, 8, india)) assert.equal((tick + india) % (3_600 * S), 0);
  assert.equal(timeTicks(0, 3_600 * S, 6).length, 7);
});

test("the scale is the sensor's range, else it holds band, limits and values with air", () => {
  assert.deepEqual(scaleOf({ range_low: 0, range_high: 10 }, [12]), { low: 0, high: 10 });
  const { low, high } = scaleOf({ normal_low: 4, normal_high: 6 }, [8], [3]);
  assert.ok(low < 3 && high > 8);
});

test("a window on a narrow band shows movement that the full range would flatten", () => {
  const speed = { range_low: 0, range_high: 1800, normal_low: 1470, normal_high: 1490 };
  const { low, high } = windowOf(speed, [], [1478, 1482]);
  assert.ok(high - low < 40, `${low} to ${high}`);
});

test("noise of a signal without a band does not fill the screen", () => {
  const { low, high } = windowOf({ range_low: 0, range_high: 100 }, [], [50, 50.01]);
  assert.ok(high - low >= 5);
});

test("a value beyond the scale stays on the drawing", () => {
  assert.equal(pixel(20, { low: 0, high: 10 }, 100), 0);
  assert.equal(pixel(-5, { low: 0, high: 10 }, 100), 100);
});

test("an alarm that was raised before what is shown is there from its beginning", () => {
  const entries = [{ id: "e", alarm_id: "x", at: 30, kind: "returned", priority: 2, name: "Hot" }];
  assert.deepEqual(alarmIntervals(entries, [], 100, 10), [{ id: "e", from: 10, to: 30, priority: 2, name: "Hot", state: "acked" }]);
  assert.deepEqual(alarmIntervals(entries, [], 100), []);
});
