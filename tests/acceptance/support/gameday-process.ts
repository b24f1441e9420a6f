import { OmoiProcess } from './omoi-process.ts';
import { until } from './until.ts';
import type { WebhookMessage } from './webhook.ts';

/** What `omoi gameday run --json` prints. */
export interface GamedayReport {
  readonly experiment: string;
  readonly steps: readonly { readonly name: string; readonly at_ms: number; readonly ok: boolean }[];
  readonly trace_id: string | null;
  /** What the webhook of the run was told of, where it has one. */
  readonly messages?: readonly {
    readonly at_ms: number;
    readonly id: string;
    readonly body: WebhookMessage['body'];
  }[];
  readonly ok: boolean;
}

export interface GamedayRun {
  /** Resolves when the runner has told of a step. */
  reached(step: string, withinMs?: number): Promise<void>;
  /** The report, and the timeline for a reader of a failed test. */
  report(): Promise<{
    readonly report: GamedayReport;
    readonly status: number | null;
    readonly timeline: string;
  }>;
  stop(): Promise<void>;
}

/** Those that follow one alert. */
export type TracedGameday = 'worker_hang' | 'high_queue_depth';

/** Those that have a server of their own. */
type OwnGameday = 'alert_reaches_people';

/** Starts `omoi gameday run --json`, on the server of a data directory or, where none runs, on its own. */
export function startGameday(
  name: TracedGameday | OwnGameday,
  directory: string,
  flags: readonly string[] = [],
): GamedayRun {
  const file = `config/gamedays/${name}.yaml`;
  const runner = new OmoiProcess(['gameday', 'run', file, '--json', '--data-directory', directory, ...flags]);
  return {
    async reached(step, withinMs = 120_000) {
      const told = (): boolean => {
        if (runner.stderr.includes(` ok    ${step}  (`)) return true;
        if (!runner.isRunning) throw new Error(`the game day ended before "${step}":\n${runner.stderr}`);
        return false;
      };
      await until(told, `${name}: ${step}`, withinMs);
    },
    async report() {
      const { status, stdout, stderr } = await runner.ended();
      return { report: JSON.parse(stdout) as GamedayReport, status, timeline: stderr };
    },
    async stop() {
      await runner.stop();
    },
  };
}
