import { findServer } from '#server';
import { createLocalClient } from './local-client.ts';
import { EventFollower } from './gameday/event-follower.ts';
import { loadExperiment } from './gameday/experiment.ts';
import { startOwnServer } from './gameday/own-server.ts';
import { runExperiment, type StepReport } from './gameday/run.ts';
import { z } from 'zod';

export interface GamedayOptions {
  readonly json: boolean;
  readonly control: boolean;
  readonly dataDirectory: string;
}

/** Runs a game day against the server of a data directory, or one of its own. Returns the exit code. */
export async function runGameday(file: string, options: GamedayOptions): Promise<number> {
  const experiment = loadExperiment(file);
  const say = (line: string): void =>
    void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const running = options.control ? null : findServer(options.dataDirectory);
  const own = running
    ? null
    : await startOwnServer({
        demo: experiment.server.demo,
        environment: {
          ...experiment.server.environment,
          ...(options.control ? experiment.control?.environment : {}),
        },
      });
  const directory = own?.dataDirectory ?? options.dataDirectory;
  const socketPath = (): string | null => findServer(directory)?.socket ?? null;
  const client = createLocalClient(socketPath);
  const follower = new EventFollower(socketPath);
  try {
    const latest = z
      .object({ events: z.array(z.object({ id: z.number() })) })
      .parse(await client.call('GET', '/api/v1/events?order=newest_first&limit=1'));
    await follower.start(latest.events[0]?.id ?? 0);
    say(`${experiment.title}${options.control ? ' (control: the watchdog is off)' : ''}`);
    say(`  ${own ? 'own server' : 'server'} on ${directory}\n`);
    const report = await runExperiment(experiment, {
      stage: {
        client,
        follower,
        dataDirectory: directory,
        faultAfterId: 0,
        feeds: new Set(),
        externals: null,
        cleanUps: [],
      },
      control: options.control,
      onStep: (step) => say(timelineRow(step)),
    });
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else
      say(
        `\n${report.ok ? 'every step was observed' : 'NOT every step was observed'}; trace ${report.trace_id ?? 'none'}`,
      );
    return report.ok ? 0 : 1;
  } finally {
    follower.stop();
    await own?.stop();
  }
}

function timelineRow(step: StepReport): string {
  const at = `${step.at_ms >= 0 ? '+' : ''}${step.at_ms}`.padStart(8);
  return `${at} ms  ${step.ok ? 'ok  ' : 'FAIL'}  ${step.name}  (${step.detail})`;
}
