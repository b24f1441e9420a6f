import { messageOf, traceIdOf } from '#telemetry';
import { perform } from './actions.ts';
import type { Experiment, Step } from './experiment.ts';
import { observe } from './probes.ts';
import { resolveReferences, valueAt } from './references.ts';
import type { Stage } from './stage.ts';

/** What a game day answers; times are ms since the fault (negative before it). */
export interface GamedayReport {
  readonly experiment: string;
  readonly steps: readonly StepReport[];
  readonly trace_id: string | null;
  /** What the run's webhook was told of; absent where it has none. */
  readonly messages?: readonly MessageReport[];
  readonly ok: boolean;
}

/** A message as it came. */
export interface MessageReport {
  readonly at_ms: number;
  readonly id: string;
  readonly body: unknown;
}

export interface StepReport {
  readonly name: string;
  readonly at_ms: number;
  readonly ok: boolean;
  readonly detail: string;
}

export interface RunOptions {
  readonly stage: Stage;
  readonly control: boolean;
  readonly onStep: (step: StepReport) => void;
}

/** Runs the steps in order; the first that fails ends the run. Feeds are stopped in any case. */
export async function runExperiment(experiment: Experiment, options: RunOptions): Promise<GamedayReport> {
  const { stage, onStep } = options;
  const kind = options.control ? 'control' : 'experiment';
  const steps = experiment.method.filter((step) => step.only === undefined || step.only === kind);
  const findings: Record<string, unknown> = { ...experiment.configuration };
  const timed: { readonly report: Omit<StepReport, 'at_ms'>; readonly at: number }[] = [];
  let faultAt: number | null = null;
  try {
    for (const step of steps) {
      if (step.fault) {
        stage.faultAfterId = stage.follower.lastId;
        stage.faultAt = Date.now();
      }
      const { ok, detail, found, at } = await runStep(step, findings, stage);
      if (step.fault) faultAt = at;
      if (step.save !== undefined && ok) findings[step.save] = found;
      timed.push({ report: { name: step.name, ok, detail }, at });
      onStep({ name: step.name, at_ms: Math.round(at - (faultAt ?? at)), ok, detail });
      if (!ok) break;
    }
  } finally {
    for (const feed of stage.feeds) feed.stop();
    for (const cleanUp of stage.cleanUps.toReversed()) await cleanUp().catch(() => undefined);
  }
  const zero = faultAt ?? timed[0]?.at ?? 0;
  return {
    experiment: experiment.title,
    steps: timed.map(({ report, at }) => ({
      name: report.name,
      at_ms: Math.round(at - zero),
      ok: report.ok,
      detail: report.detail,
    })),
    trace_id: traceIdOf(traceparentOf(findings)),
    ...(stage.webhook && {
      messages: stage.webhook.messages.map(({ at, id, body }) => ({
        at_ms: Math.round(atOnOwnScale(at) - zero),
        id,
        body,
      })),
    }),
    ok: timed.length === steps.length && timed.every(({ report }) => report.ok),
  };
}

interface StepOutcome {
  readonly ok: boolean;
  readonly detail: string;
  readonly found: unknown;
  /** Monotonic ms: when an event was recorded by the server's clock where there is one, else when it was seen. */
  readonly at: number;
}

async function runStep(step: Step, findings: Record<string, unknown>, stage: Stage): Promise<StepOutcome> {
  try {
    if (step.do) {
      const found = await perform(resolveReferences(step.do, findings), stage);
      return { ok: true, detail: step.do.type, found, at: recordedAt(found) };
    }
    if (!step.observe) return { ok: false, detail: 'nothing to do', found: null, at: performance.now() };
    const observation = await observe(resolveReferences(step.observe, findings), step.within, stage);
    return {
      ok: observation.held,
      detail: observation.detail,
      found: observation.found,
      at: recordedAt(observation.found),
    };
  } catch (thrown) {
    return { ok: false, detail: messageOf(thrown), found: null, at: performance.now() };
  }
}

/** When what was found happened, where it says so; else now. */
function recordedAt(found: unknown): number {
  const at = valueAt(found, 'at');
  return typeof at === 'string' ? atOnOwnScale(at) : performance.now();
}

/** A time on this process's monotonic scale: server and runner share the machine's clock. */
function atOnOwnScale(at: string): number {
  return Date.parse(at) - performance.timeOrigin;
}

function traceparentOf(findings: Readonly<Record<string, unknown>>): string | null {
  const traceparent = valueAt(findings, 'alert.traceparent');
  return typeof traceparent === 'string' ? traceparent : null;
}
