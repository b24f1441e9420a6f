import { percentile, round } from '../tsdb/numbers.ts';
import type { Changes } from './fleet.ts';
import type { Seen } from './watched-page.ts';

const LIMITS = { elements: 1500, taskMs: 50 } as const;

export interface Row {
  readonly row: string;
  readonly agents: number;
  readonly changes_per_second: number;
  readonly elements: number;
  readonly nodes: number;
  readonly frames_per_second: number;
  readonly frame_gap_p99_ms: number;
  readonly longest_frame_gap_ms: number;
  readonly longest_task_cpu_ms: number;
  readonly longest_task_wall_ms: number;
  /** Of 50 ms or more by CPU time; by the clock, as the browser tells them, those that others' load made long are among them. */
  readonly tasks_over_50_ms_cpu: number;
  readonly long_tasks_wall: number;
  readonly main_thread_cpu_percent: number;
  /** The longest by CPU time. */
  readonly longest: readonly string[];
  readonly reached: { readonly elements: boolean; readonly no_task_over_50_ms: boolean };
}

export function rowOf(
  row: string,
  { seen, changes, agents }: { readonly seen: Seen; readonly changes: Changes; readonly agents: number },
): Row {
  const byCpu = seen.tasks.toSorted((a, b) => b.cpuMs - a.cpuMs);
  const longestCpuMs = byCpu[0]?.cpuMs ?? Number.NaN;
  return {
    row,
    agents,
    changes_per_second: changes.per_second,
    elements: seen.elements,
    nodes: seen.nodes,
    frames_per_second: round(seen.frameGapsMs.length / seen.seconds, 1),
    frame_gap_p99_ms: round(percentile(seen.frameGapsMs, 0.99), 1),
    longest_frame_gap_ms: round(Math.max(0, ...seen.frameGapsMs), 1),
    longest_task_cpu_ms: round(longestCpuMs, 1),
    longest_task_wall_ms: round(Math.max(0, ...seen.tasks.map(({ wallMs }) => wallMs)), 1),
    tasks_over_50_ms_cpu: seen.tasks.filter(({ cpuMs }) => cpuMs > LIMITS.taskMs).length,
    long_tasks_wall: seen.longTasksMs.length,
    main_thread_cpu_percent: round((100 * seen.mainThreadCpuSeconds) / seen.seconds, 1),
    longest: byCpu
      .slice(0, 3)
      .map(({ cpuMs, wallMs, about }) => `${round(cpuMs, 1)} ms CPU, ${round(wallMs, 1)} ms: ${about}`),
    reached: {
      elements: seen.elements <= LIMITS.elements,
      // Where no CPU time is told, nothing is shown.
      no_task_over_50_ms: longestCpuMs > 0 && longestCpuMs <= LIMITS.taskMs,
    },
  };
}
