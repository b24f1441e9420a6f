/** What of a trace of the browser is read: whole tasks, and what they were for. */
export const TRACED = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel'] as const;

/** An event of Chromium's trace format; times in microseconds. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  /** CPU time of the thread. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string; readonly data?: { readonly type?: string } };
}

/** One task of the main thread that shows the page. */
export interface MainTask {
  readonly wallMs: number;
  readonly cpuMs: number;
  /** What took the most of it, by the clock. */
  readonly about: string;
}

const TASK = 'RunTask';

/** The tasks of the renderer's main thread that has most of them: the page's. */
export function mainThreadTasks(events: readonly TraceEvent[]): readonly MainTask[] {
  const threads = events.filter(
    ({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain',
  );
  const ofThread = threads.map(({ pid, tid }) =>
    events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X'),
  );
  const [main = []] = ofThread.toSorted((a, b) => tasksOf(b).length - tasksOf(a).length);
  return tasksOf(main).map((task) => ({
    wallMs: (task.dur ?? 0) / 1000,
    cpuMs: (task.tdur ?? 0) / 1000,
    about: aboutOf(task, main),
  }));
}

function tasksOf(events: readonly TraceEvent[]): readonly TraceEvent[] {
  return events.filter(({ name }) => name === TASK);
}

/** Short tasks are not asked what they were for: there are tens of thousands. */
const SHORT_US = 20_000;
const CONTAINERS = new Set([TASK, 'ThreadControllerImpl::RunTask', 'ThreadPool_RunTask']);

function aboutOf({ ts, dur = 0 }: TraceEvent, events: readonly TraceEvent[]): string {
  if (dur < SHORT_US) return '';
  const within = events.filter(
    (event) => event.ts >= ts && event.ts < ts + dur && !CONTAINERS.has(event.name) && (event.dur ?? 0) > 0,
  );
  const longest = within.toSorted((a, b) => (b.dur ?? 0) - (a.dur ?? 0)).slice(0, 4);
  return longest.map(({ name, dur: us = 0 }) => `${name} ${(us / 1000).toFixed(0)}`).join(', ');
}
