import { setTimeout as delay } from 'node:timers/promises';
import { labelsSchema, OmoiError, traceIdOf, type SystemEvent } from '#telemetry';
import { processOf } from './replica-process.ts';
import { z } from 'zod';
import type { Probe } from './experiment.ts';
import { valueAt } from './references.ts';
import type { Stage } from './stage.ts';
import type { DeliveredMessage } from './webhook.ts';

/** What a probe saw: whether it held, what was found (for `save`), and one line for the reader. */
export interface Observation {
  readonly held: boolean;
  readonly found: unknown;
  readonly detail: string;
}

const POLL_EVERY_MS = 100;

/** Watches until the probe holds or its time is over. */
export async function observe(probe: Probe, withinMs: number, stage: Stage): Promise<Observation> {
  switch (probe.type) {
    case 'event':
      return observeEvent(probe, withinMs, stage);
    case 'absent':
      return observeAbsence(probe, stage);
    case 'rate':
      return observeRate(probe, stage);
    case 'metric':
      return until(withinMs, () => observeMetric(probe, stage));
    case 'growth':
      return observeGrowth(probe, stage);
    case 'elapsed':
      return observeElapsed(probe);
    case 'strangers_untouched':
      return observeStrangers(stage);
    case 'pool':
      return until(withinMs, () => observePool(probe, stage));
    case 'task_done_once':
      return until(withinMs, () => observeTaskDoneOnce(probe.task, stage));
    case 'trace':
      return until(withinMs, () => observeTrace(probe, stage));
    case 'message':
      return observeMessage(probe, withinMs, stage);
  }
}

/** Repeats a look at a state that has no event of its own. */
async function until(withinMs: number, look: () => Promise<Observation>): Promise<Observation> {
  const endsAt = performance.now() + withinMs;
  for (;;) {
    const observation = await look();
    if (observation.held || performance.now() >= endsAt) return observation;
    await delay(POLL_EVERY_MS);
  }
}

type ProbeOf<Type extends Probe['type']> = Extract<Probe, { type: Type }>;

/** Whether an event is of the kind, and came after the fault. */
function accepting(
  { event_type: type, where, after }: Pick<ProbeOf<'event'>, 'event_type' | 'where' | 'after'>,
  { faultAfterId }: Stage,
): (event: SystemEvent) => boolean {
  const afterId = Math.max(faultAfterId, Number(after ?? 0));
  return (event) =>
    event.id > afterId &&
    event.event_type === type &&
    Object.entries(where).every(([path, wanted]) => String(valueAt(event, path)) === String(wanted));
}

async function observeAbsence(probe: ProbeOf<'absent'>, stage: Stage): Promise<Observation> {
  const event = await stage.follower.waitFor(accepting(probe, stage), { count: 1, withinMs: probe.over });
  if (!event) return { held: true, found: null, detail: `no ${probe.event_type} in ${probe.over} ms` };
  return {
    held: false,
    found: event,
    detail: `${event.event_type} #${event.id}: ${JSON.stringify(event.payload)}`,
  };
}

async function observeRate(probe: ProbeOf<'rate'>, stage: Stage): Promise<Observation> {
  const times = stage.follower.matching(accepting(probe, stage)).map(({ at }) => Date.parse(at));
  const within = times.map((from, first) => times.slice(first).filter((at) => at < from + probe.per).length);
  const most = Math.max(0, ...within);
  return {
    held: most <= probe.at_most,
    found: { most, count: times.length },
    detail: `${times.length} ${probe.event_type}, at most ${most} within ${probe.per} ms`,
  };
}

async function observeEvent(probe: ProbeOf<'event'>, withinMs: number, stage: Stage): Promise<Observation> {
  const accepts = accepting(probe, stage);
  const event = await stage.follower.waitFor(accepts, { count: probe.count, withinMs });
  if (event) return { held: true, found: event, detail: `${event.event_type} #${event.id}` };
  const others = stage.follower.matching((seen) => seen.event_type === probe.event_type);
  const last = others.at(-1);
  const seen = last ? `; the last of ${others.length} others: ${JSON.stringify(last.payload)}` : '';
  return {
    held: false,
    found: null,
    detail: `no ${probe.event_type} with ${JSON.stringify(probe.where)}${seen}`,
  };
}

const samples = z.array(z.object({ metric_name: z.string(), value: z.number(), labels: labelsSchema }));

interface MetricSelection {
  readonly metric_name: string;
  readonly labels: Readonly<Record<string, string | number | boolean>>;
}

async function readMetric(selection: MetricSelection, stage: Stage): Promise<readonly number[]> {
  const query = new URLSearchParams({ metric_name: selection.metric_name });
  const answer = samples.parse(await stage.client.call('GET', `/api/v1/monitor/metrics?${query.toString()}`));
  return answer
    .filter((sample) =>
      Object.entries(selection.labels).every(([name, value]) => sample.labels[name] === String(value)),
    )
    .map((sample) => sample.value);
}

async function observeMetric(probe: ProbeOf<'metric'>, stage: Stage): Promise<Observation> {
  const values = await readMetric(probe, stage);
  if (values.length === 0)
    return { held: false, found: null, detail: `${probe.metric_name} has no series yet` };
  const value = aggregated(values, probe.aggregate);
  const { min = -Infinity, max = Infinity } = probe.tolerance;
  return {
    held: value >= min && value <= max,
    found: value,
    detail: `${probe.aggregate}(${probe.metric_name}) = ${Number(value.toFixed(3))}`,
  };
}

function aggregated(values: readonly number[], how: 'sum' | 'max' | 'min'): number {
  switch (how) {
    case 'sum':
      return values.reduce((sum, value) => sum + value, 0);
    case 'max':
      return Math.max(...values);
    case 'min':
      return Math.min(...values);
  }
}

async function observeGrowth(probe: ProbeOf<'growth'>, stage: Stage): Promise<Observation> {
  const means: number[] = [];
  for (let part = 0; part < probe.parts; part++) {
    const endsAt = performance.now() + probe.over / probe.parts;
    let sum = 0;
    let looks = 0;
    while (performance.now() < endsAt) {
      sum += aggregated(await readMetric(probe, stage), 'sum');
      looks += 1;
      await delay(POLL_EVERY_MS);
    }
    means.push(sum / looks);
  }
  const grows = means.every((mean, part) => part === 0 || mean > (means[part - 1] ?? Infinity));
  return {
    held: grows,
    found: means,
    detail: `${probe.metric_name}: ${means.map((mean) => mean.toFixed(1)).join(' → ')}`,
  };
}

const poolReplicas = z.object({
  replicas: z.array(z.object({ agent_id: z.string(), pid: z.number().nullable() })),
});

async function observePool(probe: ProbeOf<'pool'>, stage: Stage): Promise<Observation> {
  const { replicas } = poolReplicas.parse(
    await stage.client.call('GET', `/api/v1/fleet/pools/${probe.pool}`),
  );
  const living = replicas.filter((replica) => processOf(replica) !== null).length;
  const { min = 0, max = Infinity } = probe.processes;
  return { held: living >= min && living <= max, found: living, detail: `${living} live processes` };
}

function observeElapsed({ from, to, at_most: atMostMs }: ProbeOf<'elapsed'>): Observation {
  const ms = Date.parse(to) - Date.parse(from);
  return { held: ms >= 0 && ms <= atMostMs, found: { ms }, detail: `${ms} ms, at most ${atMostMs} ms` };
}

function observeStrangers({ machine }: Stage): Observation {
  const { started = [], alive = [] } = machine?.strangers() ?? {};
  return {
    held: started.length > 0 && started.every((pid) => alive.includes(pid)),
    found: { started, alive },
    detail: `of ${started.length} processes with pids of former workers ${alive.length} still run`,
  };
}

const taskState = z.object({ state: z.string() });

async function observeTaskDoneOnce(taskId: string, stage: Stage): Promise<Observation> {
  const { state } = taskState.parse(await stage.client.call('GET', `/api/v1/fleet/tasks/${taskId}`));
  const completions = stage.follower.matching(
    (event) => event.event_type === 'fleet.task.completed' && event.payload.task_id === taskId,
  );
  const by = completions.map((event) =>
    [valueAt(event, 'payload.agent_id'), valueAt(event, 'payload.generation')].join('/'),
  );
  return {
    held: state === 'completed' && completions.length === 1,
    found: completions[0] ?? null,
    detail: `${taskId} is ${state}, completed ${completions.length} time(s)${by.length > 0 ? ` by ${by.join(', ')}` : ''}`,
  };
}

const traceSpans = z.object({ spans: z.array(z.object({ name: z.string() })) });

/** Spans are written a moment after they end: a trace that is not there yet has none. */
async function readTrace(traceId: string, stage: Stage): Promise<z.output<typeof traceSpans>> {
  try {
    return traceSpans.parse(await stage.client.call('GET', `/api/v1/observability/traces/${traceId}`));
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'unknown_trace') return { spans: [] };
    throw thrown;
  }
}

async function observeTrace(probe: ProbeOf<'trace'>, stage: Stage): Promise<Observation> {
  const traceId = traceIdOf(probe.traceparent);
  if (traceId === null) return { held: false, found: null, detail: 'the event carries no trace' };
  const { spans } = await readTrace(traceId, stage);
  const names = new Set(spans.map((span) => span.name));
  const missing = probe.spans.filter((name) => !names.has(name));
  return {
    held: missing.length === 0,
    found: { trace_id: traceId },
    detail:
      missing.length === 0
        ? `${spans.length} spans in ${traceId}`
        : `missing in ${traceId}: ${missing.join(', ')}`,
  };
}

async function observeMessage(
  { where }: ProbeOf<'message'>,
  withinMs: number,
  { webhook, faultAt }: Stage,
): Promise<Observation> {
  if (webhook === null)
    return { held: false, found: null, detail: 'the run has no webhook (server.webhook)' };
  const accepts = ({ at, body }: DeliveredMessage): boolean =>
    Date.parse(at) >= faultAt &&
    Object.entries(where).every(([path, wanted]) => String(valueAt(body, path)) === String(wanted));
  const message = await webhook.waitFor(accepts, withinMs);
  if (message) return { held: true, found: message, detail: `message ${message.id}` };
  const last = webhook.messages.at(-1);
  const seen = last ? `; the last of ${webhook.messages.length} others: ${JSON.stringify(last.body)}` : '';
  return { held: false, found: null, detail: `no message with ${JSON.stringify(where)}${seen}` };
}
