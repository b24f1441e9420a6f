import { readFileSync } from 'node:fs';
import {
  durationText,
  HEARTBEAT_SOURCES,
  messageOf,
  OmoiError,
  parseStrictDocument,
  placeIn,
  recordOf,
} from '#telemetry';
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean()]);

/** Inclusive bounds on a number; what is left out is open. */
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() });

/** What only some runs do: the game day itself, or its control with the watchdog off. */
const runs = z.enum(['experiment', 'control']).optional();

const eventProbe = z.strictObject({
  type: z.literal('event'),
  event_type: z.string(),
  /** Dotted paths into the event, and what stands there. */
  where: recordOf(z.string(), scalar).default({}),
  /** How many such events are waited for. */
  count: z.number().int().positive().default(1),
  /** Only such that came after the event of this id. */
  after: z.string().optional(),
});

const metricProbe = z.strictObject({
  type: z.literal('metric'),
  metric_name: z.string(),
  labels: recordOf(z.string(), scalar).default({}),
  /** How the values of several matching series become one. */
  aggregate: z.enum(['sum', 'max', 'min']).default('sum'),
  tolerance: range,
});

const growthProbe = z.strictObject({
  type: z.literal('growth'),
  metric_name: z.string(),
  labels: recordOf(z.string(), scalar).default({}),
  /** The observation is split into this many parts; the mean of each must exceed the one before. */
  parts: z.number().int().min(2).default(3),
  over: durationText,
});

const poolProbe = z.strictObject({
  type: z.literal('pool'),
  pool: z.string(),
  /** Live processes of the pool, counted by their process ids on this machine. */
  processes: range,
});

/** Nothing of the kind happens for as long as is watched. */
const absentProbe = eventProbe
  .omit({ type: true, count: true, after: true })
  .extend({ type: z.literal('absent'), over: durationText });

/** However many of them there were since the fault, never more than so many came within any such time. */
const rateProbe = eventProbe
  .omit({ type: true, count: true, after: true })
  .extend({ type: z.literal('rate'), at_most: z.number().int().min(1), per: durationText });

/** How long it took from one event to another, both of which were saved: `${name.at}`. */
const elapsedProbe = z.strictObject({
  type: z.literal('elapsed'),
  from: z.string(),
  to: z.string(),
  at_most: durationText,
});

/** All processes still run that got the pids of workers when the machine was booted anew, and are no workers. */
const strangersProbe = z.strictObject({ type: z.literal('strangers_untouched') });

const taskOnceProbe = z.strictObject({ type: z.literal('task_done_once'), task: z.string() });

const traceProbe = z.strictObject({
  type: z.literal('trace'),
  traceparent: z.string(),
  spans: z.array(z.string()).min(1),
});

const newTask = z.strictObject({
  task_type: z.string(),
  phase_id: z.string(),
  priority: z.number().int().default(0),
  payload: recordOf(z.string(), z.unknown()).default({}),
});

/** One task; saved is its `task_id`. */
const enqueueAction = z.strictObject({ type: z.literal('enqueue'), task: newTask });

const feedAction = z.strictObject({
  type: z.literal('feed'),
  rate_per_second: z.number().positive(),
  /** At the end of the run at the latest. */
  until: z.string().optional(),
  task: newTask,
});

/** All that arrives is kept to this share of what the fleet was seen to complete while tasks waited. */
const followCapacityAction = z.strictObject({
  type: z.literal('follow_capacity'),
  share: z.number().positive().max(1),
});

const stopFeedAction = z.strictObject({ type: z.literal('stop_feed') });

const hangWorkerAction = z.strictObject({ type: z.literal('hang_busy_worker'), pool: z.string() });

const signalAction = z.strictObject({
  type: z.literal('signal'),
  /** Of one process, as `hang_busy_worker` saves them: who has its pid later is left alone. */
  pid: z.string(),
  start_ticks: z.string(),
  signal: z.enum(['SIGSTOP', 'SIGCONT', 'SIGKILL', 'SIGTERM']),
});

/** How many processes a pool should have until the run ends. */
const scalePoolAction = z.strictObject({
  type: z.literal('scale_pool'),
  pool: z.string(),
  processes: z.number().int().positive(),
  /** By a scale override that lasts so long, which a server that is started again keeps; else by the pool's own size. */
  ttl: durationText.optional(),
});

/** Changes a pool until the run ends. */
const changePoolAction = z.strictObject({
  type: z.literal('change_pool'),
  pool: z.string(),
  overlap: z.boolean(),
});

/** Ends the processes of a pool at once, as a machine does that runs out of memory. */
const killPoolAction = z.strictObject({
  type: z.literal('kill_pool'),
  pool: z.string(),
  /** How many; all where absent. */
  processes: z.number().int().positive().optional(),
});

/** A pool that lives as long as the run. */
const createPoolAction = z.strictObject({
  type: z.literal('create_pool'),
  pool: z.string(),
  command: z.array(z.string()).min(1),
  processes: z.number().int().positive().default(1),
  phase_id: z.string().optional(),
  provider: z.string().optional(),
  /** Whether its agents run the command under `omoi run`. */
  wrapped: z.boolean().default(false),
  /** Who beats for its agents; found out where it is left out. */
  heartbeat: z.enum(HEARTBEAT_SOURCES).optional(),
});

/** One command under `omoi run`, as a person runs it, until the run ends; saved is its `agent_id`. */
const runWrappedAction = z.strictObject({
  type: z.literal('run_wrapped'),
  pool: z.string(),
  command: z.array(z.string()).min(1),
});

/** Stops (SIGSTOP) what runs under an agent's `omoi run`, and not that; saved are its `pid` and `start_ticks`. */
const stopWrappedAction = z.strictObject({ type: z.literal('stop_wrapped'), agent: z.string() });

/** A pool, for as long as the run, of programs that end where what they need is away; saved is its `path`. */
const createDependantsAction = z.strictObject({
  type: z.literal('create_dependants'),
  pool: z.string(),
  processes: z.number().int().positive(),
});

/** What they need goes away, or comes back. */
const dependencyAction = z.strictObject({
  type: z.literal('dependency'),
  path: z.string(),
  is: z.enum(['away', 'back']),
});

/** Commands under `omoi run`, all at once; waited for until each has ended. */
const oneShotsAction = z.strictObject({
  type: z.literal('one_shots'),
  pool: z.string(),
  count: z.number().int().positive(),
  command: z.array(z.string()).min(1),
});

/** One client registers so many external agents more and beats for them, until the run ends. */
const externalAgentsAction = z.strictObject({
  type: z.literal('external_agents'),
  pool: z.string(),
  count: z.number().int().positive(),
  labels: recordOf(z.string(), z.string()).default({}),
});

/** The client stops beating for so many of them, of those with these labels where some are named, or beats for all again. */
const silenceAction = z.strictObject({
  type: z.literal('silence_agents'),
  count: z.number().int().positive(),
  labels: recordOf(z.string(), z.string()).default({}),
});
const reviveAction = z.strictObject({ type: z.literal('revive_agents') });

/**
 * Kills every process of the server's own machine at once, and boots it anew: the pids that a pool's processes had belong to
 * others then.
 */
const rebootAction = z.strictObject({ type: z.literal('reboot'), pool: z.string() });

const step = z.strictObject({
  name: z.string(),
  /** The step after which milliseconds are counted. */
  fault: z.boolean().default(false),
  only: runs,
  do: z
    .discriminatedUnion('type', [
      enqueueAction,
      feedAction,
      followCapacityAction,
      stopFeedAction,
      hangWorkerAction,
      signalAction,
      scalePoolAction,
      changePoolAction,
      killPoolAction,
      createPoolAction,
      createDependantsAction,
      dependencyAction,
      oneShotsAction,
      runWrappedAction,
      stopWrappedAction,
      externalAgentsAction,
      silenceAction,
      reviveAction,
      rebootAction,
    ])
    .optional(),
  observe: z
    .discriminatedUnion('type', [
      eventProbe,
      absentProbe,
      rateProbe,
      metricProbe,
      growthProbe,
      poolProbe,
      elapsedProbe,
      strangersProbe,
      taskOnceProbe,
      traceProbe,
    ])
    .optional(),
  within: durationText.prefault('60s'),
  /** Keeps what was found under this name, for `${name.path}` in later steps. */
  save: z.string().optional(),
});

const experimentSchema = z.strictObject({
  title: z.string(),
  description: z.string(),
  configuration: recordOf(z.string(), scalar).default({}),
  /** What the run's own server is started with where none runs. */
  server: z
    .strictObject({
      demo: z.boolean().default(true),
      /** `own`: a machine that can be booted anew (a namespace of processes); then the server is always the run's own. */
      machine: z.enum(['shared', 'own']).default('shared'),
      environment: recordOf(z.string(), z.string()).default({}),
    })
    .prefault({}),
  /** What `--control` changes for its server. */
  control: z.strictObject({ environment: recordOf(z.string(), z.string()) }).optional(),
  method: z.array(step).min(1),
});

export type Experiment = z.output<typeof experimentSchema>;
export type Step = Experiment['method'][number];
export type Action = NonNullable<Step['do']>;
export type Probe = NonNullable<Step['observe']>;

/** @throws OmoiError `gameday_file_invalid` with file, line and column of each mistake */
export function loadExperiment(file: string): Experiment {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new OmoiError('gameday_file_invalid', `${file}: ${messageOf(thrown)}`);
  }
  const experiment = parseStrictDocument({ name: file, text }, experimentSchema, 'gameday_file_invalid');
  for (const [index, { name, do: action, observe }] of experiment.method.entries()) {
    if ((action === undefined) === (observe === undefined)) {
      throw new OmoiError(
        'gameday_file_invalid',
        `${placeIn({ name: file, text }, ['method', index])}: method.${index} ("${name}") needs either "do" or "observe"`,
      );
    }
  }
  return experiment;
}
