import { setTimeout as delay } from 'node:timers/promises';
import { compress, type Load } from '../tsdb/load.ts';
import { round } from '../tsdb/numbers.ts';
import { fleetLoad } from './fleet-load.ts';
import { fleetRules, RULES_PER_GROUP } from './fleet-rules.ts';
import { RuleCounters, type RuleReadings } from './rule-counters.ts';
import type { RuleTarget } from './fleet-target.ts';

export interface FleetSize {
  readonly instances: number;
  readonly rules: number;
  /** Between two samples of a series. */
  readonly stepMs: number;
  readonly intervals: readonly string[];
  /** Steps of each phase. */
  readonly steps: number;
}

/** Steps of samples that lie before the run, so that windows of five minutes are full. */
const STEPS_BEFORE = 20;

/** What changes in a phase: the share of the instances that send. */
const PHASES = [
  { name: 'all_change', share: 1 },
  { name: 'hundredth_changes', share: 0.01 },
  { name: 'none_changes', share: 0 },
] as const;

/**
 * Many rules over many series in whole servers, at the same time, of the same samples: each first without rules, so that what
 * these cost can be told from what the samples cost; then while all series change, a hundredth of them, and none.
 */
export async function measureFleet(
  targets: readonly RuleTarget[],
  size: FleetSize,
  report: (phase: string, target: string, readings: RuleReadings) => void,
): Promise<void> {
  const load = fleetLoad(size.instances);
  await sendPast(targets, load, size);
  const counters = new Map(targets.map((target) => [target, new RuleCounters(target)]));
  const run = async (steps: number, share: number): Promise<ReadonlyMap<RuleTarget, RuleReadings>> => {
    await Promise.all([...counters.values()].map((one) => one.begin()));
    const cpuBefore = new Map(targets.map((target) => [target, target.cpuSeconds()]));
    await Promise.all(targets.map((target) => target.takeLoop()));
    const startedMs = performance.now();
    const lateMs = await sendSteps(targets, load, { ...size, steps, share });
    const seconds = (performance.now() - startedMs) / 1000;
    const readings = targets.map(async (target): Promise<[RuleTarget, RuleReadings]> => {
      const cpuShare = (target.cpuSeconds() - (cpuBefore.get(target) ?? 0)) / seconds;
      const loop = await target.takeLoop();
      return [
        target,
        {
          cpu_share: round(cpuShare, 4),
          ...(await counters.get(target)?.take(seconds)),
          resident_mb: round(target.residentBytes() / 1e6, 1),
          unit_late_max_ms: round(lateMs.get(target) ?? 0, 0),
          ...(loop && {
            loop_cpu_share: round(loop.cpu_seconds / loop.seconds, 4),
            longest_stretch_cpu_ms: loop.longest_cpu_ms,
            stretches_over_10_ms: loop.over_10_ms,
            stretches_over_50_ms: loop.over_50_ms,
          }),
        },
      ];
    });
    return new Map(await Promise.all(readings));
  };

  const bare = new Map<string, ReadonlyMap<RuleTarget, RuleReadings>>();
  for (const { name, share } of PHASES) {
    // What none or few samples cost shows in half the time.
    const steps = Math.max(1, share === 1 ? size.steps >> 1 : size.steps >> 2);
    const readings = await run(steps, share);
    bare.set(name, readings);
    for (const [target, one] of readings) report(`no_rules_${name}`, target.name, one);
  }
  const rules = fleetRules({ groups: Math.round(size.rules / RULES_PER_GROUP), intervals: size.intervals });
  await Promise.all(targets.map((target) => target.load(rules)));
  // Every rule is evaluated for the first time, and every firing alert committed.
  await run(Math.max(1, size.steps >> 1), 1);
  for (const { name, share } of PHASES) {
    for (const [target, one] of await run(size.steps, share)) {
      const without = bare.get(name)?.get(target);
      const ofRules = (one['cpu_share'] ?? 0) - (without?.['cpu_share'] ?? 0);
      report(name, target.name, { rules_cpu_share: round(ofRules, 4), ...one });
    }
  }
}

async function sendPast(targets: readonly RuleTarget[], load: Load, { stepMs }: FleetSize): Promise<void> {
  const startMs = Date.now() - STEPS_BEFORE * stepMs;
  for (let step = 0; step < STEPS_BEFORE; step++) {
    for (const bytes of load.round(startMs + step * stepMs)) {
      const body = compress(bytes);
      await Promise.all(targets.map(({ client }) => client.write(body)));
    }
  }
}

/** @returns how late a unit was answered at most, by whom: what a server could not keep up with */
async function sendSteps(
  targets: readonly RuleTarget[],
  load: Load,
  { stepMs, steps, share }: FleetSize & { readonly share: number },
): Promise<ReadonlyMap<RuleTarget, number>> {
  const startedMs = performance.now();
  const units = Math.min(load.batches, Math.ceil(load.batches * share));
  const lateMs = new Map<RuleTarget, number>();
  const sent: Promise<unknown>[] = [];
  const answered = async (target: RuleTarget, body: Buffer, dueMs: number): Promise<void> => {
    await target.client.write(body);
    lateMs.set(target, Math.max(lateMs.get(target) ?? 0, performance.now() - dueMs));
  };
  for (let step = 0; step < steps; step++) {
    for (let unit = 0; unit < units; unit++) {
      const dueMs = startedMs + (step + unit / units) * stepMs;
      await delay(Math.max(0, dueMs - performance.now()));
      const body = compress(load.batch(unit, Date.now()));
      for (const target of targets) {
        sent.push(answered(target, body, dueMs));
      }
    }
  }
  await delay(Math.max(0, startedMs + steps * stepMs - performance.now()));
  await Promise.all(sent);
  return lateMs;
}
