import type { Latencies } from '../load/recorder.ts';
import type { ProbeWindow } from './probes.ts';
import type { Happened } from './stage.ts';
import type { LoopReadings, MemoryReadings } from './watch-loop.ts';

/** What may not be exceeded, in an incident as in the calm. */
const LIMITS = {
  stretchMs: 50,
  alertToActionP99Ms: 100,
  heartbeatP99Ms: 50,
  /** Heap, external and array buffers after a forced collection, of what they were before. */
  liveMemory: 1.1,
  residentMemory: 1.3,
} as const;

export interface Row {
  readonly row: string;
  readonly scale: number;
  readonly happened: Happened;
  readonly loop: LoopReadings;
  readonly probes: ProbeWindow;
  /** Of all threads of the server, in seconds. */
  readonly server_cpu_seconds: number;
  readonly memory: { readonly before: MemoryHeld; readonly after: MemoryHeld };
  /** Seconds after the incident until uninvolved alerts are acted upon as in the calm; null where not in time. */
  readonly well_after_s: number | null;
  readonly reached: Readonly<Record<string, boolean>>;
}

/** What is held, and of how many series: those that an incident brings stay for as long as the store keeps them in memory. */
export type MemoryHeld = MemoryReadings & { readonly series: number };

/** A row of an incident that the server did not live through. */
export interface BrokenRow {
  readonly row: string;
  readonly scale: number;
  readonly broke: string;
}

export const liveMb = ({ heap_mb: heap, external_mb: external }: MemoryReadings): number =>
  // External memory contains the array buffers.
  heap + external;

export function reachedOf(row: Pick<Row, 'loop' | 'probes' | 'memory'>): Readonly<Record<string, boolean>> {
  const { loop, probes, memory } = row;
  const { alert_to_action: alerts, alerts_skipped: skipped, heartbeats } = probes;
  return {
    no_stretch_over_50_ms: loop.longest_cpu_ms <= LIMITS.stretchMs,
    // One that could not be raised, since the pools' alerts before it were not done with, was not acted upon in time.
    alert_acted_on_within_100_ms: skipped === 0 && isWithin(alerts, LIMITS.alertToActionP99Ms),
    heartbeats_within_50_ms: isWithin(heartbeats, LIMITS.heartbeatP99Ms),
    memory_back: liveMb(memory.after) <= liveMb(memory.before) * LIMITS.liveMemory,
    resident_back: memory.after.resident_mb <= memory.before.resident_mb * LIMITS.residentMemory,
  };
}

/** Whether what was due was answered in time: nothing failed, and what is still unanswered is not late yet. */
function isWithin(latencies: Latencies, limitMs: number): boolean {
  const { count, failed, p99_ms: p99Ms, unanswered_max_ms: waitedMs } = latencies;
  return count > 0 && failed === 0 && p99Ms <= limitMs && waitedMs <= limitMs;
}

/** For people: a few lines a row. */
export function textOf(row: Row | BrokenRow): string {
  if ('broke' in row) return `${row.row}\n  broke: ${row.broke}`;
  const { loop, probes, memory } = row;
  const latency = (name: keyof Pick<ProbeWindow, 'alert_to_action' | 'heartbeats' | 'claims'>): string => {
    const { p50_ms: p50, p99_ms: p99, max_ms: max, unanswered, failed } = probes[name];
    const bad = unanswered + failed > 0 ? ` (${unanswered} unanswered, ${failed} failed)` : '';
    return `p50 ${p50}, p99 ${p99}, max ${max} ms${bad}`;
  };
  const missed = Object.entries(row.reached).filter(([, isReached]) => !isReached);
  const happened = Object.entries(row.happened).map(([name, value]) => `${name} ${value ?? 'never'}`);
  return [
    `${row.row}: ${missed.length === 0 ? 'all limits held' : `missed: ${missed.map(([name]) => name).join(', ')}`}`,
    `  happened         ${happened.join(', ')}`,
    `  loop             longest ${loop.longest_cpu_ms} ms of CPU (${loop.longest_cpu_wall_ms} ms by the clock, ${loop.longest_cpu_gc_ms} of them garbage collection), longest by the clock ${loop.longest_wall_ms} ms, ` +
      `${loop.over_50_ms} over 50 ms, ${loop.over_10_ms} over 10 ms; ${loop.cpu_seconds} s of CPU in ${loop.seconds} s`,
    `  alert to action  ${latency('alert_to_action')}${probes.alerts_skipped > 0 ? `, ${probes.alerts_skipped} could not be raised` : ''}`,
    `  heartbeats       ${latency('heartbeats')}`,
    `  claims           ${latency('claims')}`,
    `  memory           live ${liveMb(memory.before).toFixed(0)} → ${liveMb(memory.after).toFixed(0)} MB, ` +
      `resident ${memory.before.resident_mb} → ${memory.after.resident_mb} MB, series ${memory.before.series} → ${memory.after.series}; well after ${row.well_after_s ?? 'never'} s`,
  ].join('\n');
}
