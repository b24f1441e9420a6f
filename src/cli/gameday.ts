import { DEMO_POOL, findServer, type RunningServer } from '#server';
import { OmoiError } from '#telemetry';
import { createLocalClient } from './local-client.ts';
import { EventFollower } from './gameday/event-follower.ts';
import { loadExperiment, type Experiment } from './gameday/experiment.ts';
import { OwnMachine } from './gameday/own-machine.ts';
import { startOwnServer, startServerOnOwnMachine, type OwnServer } from './gameday/own-server.ts';
import { runExperiment, type StepReport } from './gameday/run.ts';
import { GamedayWebhook } from './gameday/webhook.ts';
import { gamedayFile } from './shipped-gamedays.ts';
import { z } from 'zod';

export interface GamedayOptions {
  readonly json: boolean;
  readonly control: boolean;
  readonly dataDirectory: string;
}

/** That of a test that was skipped, as test harnesses know it. */
const SKIPPED = 77;

/**
 * Runs a game day against the server of a data directory, or one of its own. Returns the exit code: 0 where every step was
 * observed, 77 where it can't be done on this machine.
 * @param given the name of a shipped one, or the path of a file
 */
export async function runGameday(given: string, options: GamedayOptions): Promise<number> {
  const experiment = loadExperiment(gamedayFile(given));
  const say = (line: string): void =>
    void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const needsMachine = experiment.server.machine === 'own';
  const reason = needsMachine ? OwnMachine.reasonAgainst() : null;
  if (reason !== null) {
    const skipped = `no machine of its own can be made here, which takes root: ${reason}`;
    say(`skipped: ${experiment.title}: ${skipped}`);
    if (options.json) {
      const report = { experiment: experiment.title, steps: [], trace_id: null, ok: false, skipped };
      process.stdout.write(`${JSON.stringify(report)}\n`);
    }
    return SKIPPED;
  }
  const needsOwn = options.control || needsMachine || experiment.server.webhook;
  const running = needsOwn ? null : await serverFor(experiment, options.dataDirectory, say);
  const webhook = experiment.server.webhook ? await GamedayWebhook.open() : null;
  try {
    const own = running ? null : await startServer(experiment, { ...options, webhook });
    try {
      return await play(experiment, { ...options, own, webhook, say });
    } finally {
      await own?.stop();
    }
  } finally {
    await webhook?.close();
  }
}

interface Playing extends GamedayOptions {
  /** The run's own server; null where it uses one that runs. */
  readonly own: OwnServer | null;
  readonly webhook: GamedayWebhook | null;
  readonly say: (line: string) => void;
}

async function play(experiment: Experiment, playing: Playing): Promise<number> {
  const { own, webhook, say, ...options } = playing;
  const directory = own?.dataDirectory ?? options.dataDirectory;
  const find = own?.find ?? (() => findServer(directory));
  const socketPath = (): string | null => find()?.socket ?? null;
  const client = createLocalClient(find);
  const follower = new EventFollower(socketPath);
  try {
    const latest = z
      .object({ events: z.array(z.object({ id: z.number() })) })
      .parse(await client.call('GET', '/api/v1/events?order=newest_first&limit=1'));
    follower.start(latest.events[0]?.id ?? 0);
    say(`${experiment.title}${options.control ? ' (control: the watchdog is off)' : ''}`);
    say(`  ${own ? 'own server' : 'server'} on ${directory}\n`);
    const report = await runExperiment(experiment, {
      stage: {
        client,
        follower,
        dataDirectory: directory,
        machine: own?.machine ?? null,
        webhook,
        faultAfterId: 0,
        faultAt: 0,
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
        `\n${report.ok ? 'every step was observed' : 'NOT every step was observed'}${traceText(report.trace_id, own ? null : (find()?.url ?? null))}`,
      );
    return report.ok ? 0 : 1;
  } finally {
    follower.stop();
  }
}

/** The server that runs on a directory, unless the experiment works on the demo's fleet and that one has none. */
async function serverFor(
  { configuration }: Experiment,
  dataDirectory: string,
  say: (line: string) => void,
): Promise<RunningServer | null> {
  const running = findServer(dataDirectory);
  if (running === null || configuration['pool'] !== DEMO_POOL) return running;
  try {
    const client = createLocalClient(() => findServer(dataDirectory));
    await client.call('GET', `/api/v1/fleet/pools/${DEMO_POOL}`);
    return running;
  } catch (thrown) {
    if (!(thrown instanceof OmoiError) || thrown.code !== 'unknown_pool') throw thrown;
    say(
      `the server on ${dataDirectory} has no pool "${DEMO_POOL}"; this game day gets a server of its own with the demo's fleet`,
    );
    return null;
  }
}

interface OwnServerNeeds extends GamedayOptions {
  readonly webhook: GamedayWebhook | null;
}

function startServer({ server, control }: Experiment, options: OwnServerNeeds): Promise<OwnServer> {
  const environment = {
    ...server.environment,
    ...(options.control ? control?.environment : {}),
    ...(options.webhook && { OMOI_NOTIFICATION_CONFIG_FILE: options.webhook.routingFile }),
  };
  const start = server.machine === 'own' ? startServerOnOwnMachine : startOwnServer;
  return start({ demo: server.demo, environment });
}

/** Of a server that goes on its page, where it can be looked at; of one that ends with the game day the id alone. */
function traceText(traceId: string | null, url: string | null): string {
  if (traceId === null) return '';
  return url === null ? `; trace ${traceId}` : `; trace ${traceId}\n  ${url}/traces/${traceId}`;
}

function timelineRow(step: StepReport): string {
  const at = `${step.at_ms >= 0 ? '+' : ''}${step.at_ms}`.padStart(8);
  return `${at} ms  ${step.ok ? 'ok  ' : 'FAIL'}  ${step.name}  (${step.detail})`;
}
