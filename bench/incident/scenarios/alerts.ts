import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { routingText } from '../../alerting/routing.ts';
import { Webhooks } from '../../alerting/webhooks.ts';
import { ALERTS, HOLD_POLICY, METRICS, RESTART_POLICY } from '../rule-files.ts';
import {
  NOBODY_IS_TOLD,
  countsFromNow,
  scaled,
  scaledMs,
  secondsUntil,
  writeToAll,
  type Happened,
  type Stage,
} from '../stage.ts';

const SECOND_MS = 1000;
const HOLD_MS = 3000;
const FIRE_ROUNDS = 4;
const TELL_ROUNDS = 3;
/** Longer than two `group_interval`s: what came back sooner would be no news to those who were told. */
const FORGET_MS = 3000;
const TOLD_PATIENCE_MS = 120_000;
/** Longer than two writes of the state of rules, which come every ten seconds. */
const PENDING_MS = 25_000;
export const HOLD_POOLS = 20;
export const holdPool = (number: number): string => `bench-hold-${number}`;
export const RESTART_POOL = 'bench-restart';
const HELD_MS = 15_000;

const seriesOf = (metric: string, label: string, count: number) =>
  Array.from({ length: count }, (_, number) => ({
    metric,
    labels: { [label]: `${label}-${String(number).padStart(5, '0')}` },
  }));

const burning = (stage: Stage) => seriesOf(METRICS.burning, 'unit', scaled(stage, 5000));

/** Those that will burn say that they don't. */
export async function unitsAreWell(stage: Stage): Promise<void> {
  await writeToAll(stage, burning(stage), { value: 0, overMs: SECOND_MS });
}

/**
 * Five thousand alerts fire within a second, and recover within another; again and again, for it is over in seven seconds,
 * too soon for a hundred probes.
 */
export async function alertsFireAndRecover(stage: Stage): Promise<Happened> {
  const series = burning(stage);
  const counted = await countsFromNow(stage.probes);
  const rounds = stage.scale >= 1 ? FIRE_ROUNDS : 1;
  const firedAfter: (number | null)[] = [];
  const recoveredAfter: (number | null)[] = [];
  for (let round = 1; round <= rounds; round++) {
    const all = round * series.length;
    await writeToAll(stage, series, { value: 1, overMs: SECOND_MS });
    firedAfter.push(await secondsUntil(async () => (await counted('triggered', ALERTS.burning)) >= all));
    await delay(scaledMs(stage, HOLD_MS));
    await writeToAll(stage, series, { value: 0, overMs: SECOND_MS });
    recoveredAfter.push(await secondsUntil(async () => (await counted('resolved', ALERTS.burning)) >= all));
  }
  return {
    alerts: rounds * series.length,
    fired: await counted('triggered', ALERTS.burning),
    fired_after_s: longest(firedAfter),
    recovered: await counted('resolved', ALERTS.burning),
    recovered_after_s: longest(recoveredAfter),
  };
}

/** Two receivers are told of each alert, one of which never answers. */
export class AlertsWithReceivers {
  #webhooks: Webhooks | null = null;

  async prepare(stage: Stage): Promise<void> {
    await unitsAreWell(stage);
    const webhooks = await Webhooks.open();
    this.#webhooks = webhooks;
    const { good, hung } = webhooks;
    await route(stage, routingText({ groupWait: '0s', groupBy: 'unit', good, hung }));
  }

  /** As many alerts as above, in fewer rounds, for each takes longer; all are told of them as if all receivers answered. */
  async run(stage: Stage): Promise<Happened> {
    const webhooks = this.#webhooks;
    if (!webhooks) throw new Error('the receivers are not there');
    try {
      const series = burning(stage);
      const counted = await countsFromNow(stage.probes);
      const rounds = stage.scale >= 1 ? TELL_ROUNDS : 1;
      const toldAfter: (number | null)[] = [];
      const recoveredAfter: (number | null)[] = [];
      let told = 0;
      for (let round = 1; round <= rounds; round++) {
        webhooks.forget();
        const startedAt = performance.now();
        await writeToAll(stage, series, { value: 1, overMs: SECOND_MS });
        const areTold = await webhooks.told(series.length, TOLD_PATIENCE_MS);
        const toldAfterMs = Math.max(0, ...webhooks.toldAtMs.values()) - startedAt;
        told += webhooks.toldAtMs.size;
        toldAfter.push(areTold ? Number((toldAfterMs / SECOND_MS).toFixed(1)) : null);
        await delay(scaledMs(stage, HOLD_MS));
        await writeToAll(stage, series, { value: 0, overMs: SECOND_MS });
        const recovered = async (): Promise<boolean> =>
          (await counted('resolved', ALERTS.burning)) >= round * series.length;
        recoveredAfter.push(await secondsUntil(recovered));
        await delay(scaledMs(stage, FORGET_MS));
      }
      return {
        alerts: rounds * series.length,
        told,
        told_after_s: longest(toldAfter),
        recovered: await counted('resolved', ALERTS.burning),
        recovered_after_s: longest(recoveredAfter),
      };
    } finally {
      await route(stage, NOBODY_IS_TOLD);
      await webhooks.close();
      this.#webhooks = null;
    }
  }
}

async function route({ routingFile, connections }: Stage, text: string): Promise<void> {
  writeFileSync(routingFile, text);
  await connections.post('/api/v1/reload', {});
}

/** Null where one of them never came. */
const longest = (seconds: readonly (number | null)[]): number | null =>
  seconds.reduce((most, one) => (most === null || one === null ? null : Math.max(most, one)), 0);

/** Ten thousand wait for their `for`, which is never over. */
export async function alertsPend(stage: Stage): Promise<Happened> {
  const count = scaled(stage, 10_000);
  const series = seriesOf(METRICS.pending, 'unit', count);
  const pending = (): Promise<number> =>
    countOf(stage, `ALERTS{alertname="${ALERTS.pending}",alertstate="pending"}`);
  await writeToAll(stage, series, { value: 1, overMs: SECOND_MS });
  const pendingAfter = await secondsUntil(async () => (await pending()) >= count);
  await delay(scaledMs(stage, PENDING_MS));
  const seen = await pending();
  await writeToAll(stage, series, { value: 0, overMs: SECOND_MS });
  const calmAfter = await secondsUntil(async () => (await pending()) === 0);
  return { alerts: count, pending: seen, pending_after_s: pendingAfter, calm_after_s: calmAfter };
}

/** How many elements an instant query has now. */
async function countOf({ connections }: Stage, selector: string): Promise<number> {
  const path = `/prometheus/api/v1/query?query=${encodeURIComponent(`count(${selector})`)}`;
  const answer = JSON.parse(await connections.send({ method: 'GET', path })) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}

/** A thousand remediations are held back by one that runs, while one new alert wants a restart. */
export async function remediationsHeldBack(stage: Stage): Promise<Happened> {
  const count = scaled(stage, 1000);
  const series = Array.from({ length: count }, (_, number) => ({
    metric: METRICS.held,
    labels: { pool: holdPool(number % HOLD_POOLS), unit: `unit-${String(number).padStart(5, '0')}` },
  }));
  const counted = await countsFromNow(stage.probes);
  await writeToAll(stage, series, { value: 1, overMs: SECOND_MS });
  const held = async (): Promise<number> =>
    (await counted('suppressed', HOLD_POLICY)) + (await counted('started', HOLD_POLICY));
  const heldAfter = await secondsUntil(async () => (await held()) >= count);
  await delay(scaledMs(stage, HELD_MS));
  const restart = [{ metric: METRICS.restart, labels: { agent_id: `${RESTART_POOL}-1` } }];
  const wantedAt = performance.now();
  await writeToAll(stage, restart, { value: 1, overMs: 0 });
  const restartAfter = await secondsUntil(async () => (await counted('started', RESTART_POLICY)) >= 1);
  const restartMs = restartAfter === null ? null : Math.round(performance.now() - wantedAt);
  await delay(scaledMs(stage, HOLD_MS));
  const seen = await held();
  await writeToAll(stage, [...series, ...restart], { value: 0, overMs: SECOND_MS });
  const calmAfter = await secondsUntil(async () => (await counted('resolved', ALERTS.held)) >= count);
  return {
    remediations: count,
    held_back: seen,
    held_back_after_s: heldAfter,
    restarts: await counted('started', RESTART_POLICY),
    // Looked for every 100 ms.
    restart_after_ms: restartMs,
    calm_after_s: calmAfter,
  };
}
