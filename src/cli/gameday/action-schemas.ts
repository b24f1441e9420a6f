import { durationText, HEARTBEAT_SOURCES, recordOf } from '#telemetry';
import { z } from 'zod';
import { poolId } from './schema-parts.ts';

const newTask = z.strictObject({
  task_type: z.string().describe('What kind of work it is: a worker has to know it.'),
  phase_id: z.string().describe('The phase that it belongs to.'),
  priority: z.number().int().default(0).describe('Higher comes first.'),
  payload: recordOf(z.string(), z.unknown()).prefault({}).describe('What the worker gets.'),
});

const command = z.array(z.string()).min(1).describe('Program and arguments; no shell is involved.');
const ownLabels = recordOf(z.string(), z.string()).prefault({});

const enqueueAction = z
  .strictObject({ type: z.literal('enqueue'), task: newTask })
  .describe('One task is enqueued. Saved is its `task_id`.');

const feedAction = z
  .strictObject({
    type: z.literal('feed'),
    rate_per_second: z.number().positive().describe('How many tasks a second.'),
    task: newTask,
  })
  .describe('Tasks arrive steadily, until `stop_feed` or the end of the run.');

const followCapacityAction = z
  .strictObject({
    type: z.literal('follow_capacity'),
    share: z.number().positive().max(1).describe('Which share of it.'),
  })
  .describe('All that arrives is kept to a share of what the fleet was seen to complete while tasks waited.');

const stopFeedAction = z.strictObject({ type: z.literal('stop_feed') }).describe('What `feed` began ends.');

const hangWorkerAction = z
  .strictObject({ type: z.literal('hang_busy_worker'), pool: poolId })
  .describe(
    'A worker that holds a task is stopped (SIGSTOP), and found silent by the server with it. Saved are its `agent_id`, `generation`, `task_id`, `pid` and `start_ticks`.',
  );

const signalAction = z
  .strictObject({
    type: z.literal('signal'),
    pid: z.string().describe('Of one process, as an action before has saved it.'),
    start_ticks: z.string().describe('Likewise: who has its pid later is left alone.'),
    signal: z.enum(['SIGSTOP', 'SIGCONT', 'SIGKILL', 'SIGTERM']).describe('What is sent.'),
  })
  .describe('A process gets a signal.');

const scalePoolAction = z
  .strictObject({
    type: z.literal('scale_pool'),
    pool: poolId,
    processes: z.number().int().positive().describe('How many it should have.'),
    ttl: durationText
      .optional()
      .describe(
        'By a scale override that lasts so long, which a server that is started again keeps; else by the pool’s own size.',
      ),
  })
  .describe('A pool gets another size until the run ends.');

const changePoolAction = z
  .strictObject({
    type: z.literal('change_pool'),
    pool: poolId,
    overlap: z.boolean().describe('Whether the next generation of a hung agent starts beside it.'),
  })
  .describe('A pool is changed until the run ends.');

const killPoolAction = z
  .strictObject({
    type: z.literal('kill_pool'),
    pool: poolId,
    processes: z.number().int().positive().optional().describe('How many of them; all where it is left out.'),
  })
  .describe('Processes of a pool are killed at once (SIGKILL), as where a machine runs out of memory.');

const createPoolAction = z
  .strictObject({
    type: z.literal('create_pool'),
    pool: poolId,
    command,
    processes: z.number().int().positive().default(1).describe('How many it has.'),
    phase_id: z.string().optional().describe('The phase that they work in.'),
    provider: z.string().optional().describe('Who provides what they work with: a failure domain.'),
    wrapped: z.boolean().default(false).describe('Whether its agents run the command under `omoi run`.'),
    heartbeat: z
      .enum(HEARTBEAT_SOURCES)
      .optional()
      .describe('Who beats for its agents; found out where it is left out.'),
  })
  .describe('A pool is there for as long as the run.');

const runWrappedAction = z
  .strictObject({ type: z.literal('run_wrapped'), pool: poolId, command })
  .describe(
    'One command runs under `omoi run`, as a person runs it, until the run ends. Saved is its `agent_id`.',
  );

const stopWrappedAction = z
  .strictObject({ type: z.literal('stop_wrapped'), agent: z.string().describe('The agent, by its id.') })
  .describe(
    'What runs under an agent’s `omoi run` is stopped (SIGSTOP), and not that itself. Saved are its `pid` and `start_ticks`.',
  );

const createDependantsAction = z
  .strictObject({
    type: z.literal('create_dependants'),
    pool: poolId,
    processes: z.number().int().positive().describe('How many there are.'),
  })
  .describe(
    'A pool, for as long as the run, of programs that end where what they need is away. Saved is its `path`.',
  );

const dependencyAction = z
  .strictObject({
    type: z.literal('dependency'),
    path: z.string().describe('As `create_dependants` has saved it.'),
    is: z.enum(['away', 'back']).describe('What becomes of it.'),
  })
  .describe('What the programs of `create_dependants` need goes away, or comes back.');

const oneShotsAction = z
  .strictObject({
    type: z.literal('one_shots'),
    pool: poolId,
    count: z.number().int().positive().describe('How many there are.'),
    command,
  })
  .describe('Commands run under `omoi run`, all at once; waited for until each has ended.');

const externalAgentsAction = z
  .strictObject({
    type: z.literal('external_agents'),
    pool: poolId,
    count: z.number().int().positive().describe('How many there are.'),
    labels: ownLabels.describe('The labels that they have.'),
  })
  .describe('One client registers so many external agents more and beats for them, until the run ends.');

const silenceAction = z
  .strictObject({
    type: z.literal('silence_agents'),
    count: z.number().int().positive().describe('For how many of them.'),
    labels: ownLabels.describe('Of those with these labels, where some are named.'),
  })
  .describe('The client of `external_agents` stops beating.');

const reviveAction = z
  .strictObject({ type: z.literal('revive_agents') })
  .describe('The client of `external_agents` beats for all of them again.');

const rebootAction = z
  .strictObject({ type: z.literal('reboot'), pool: poolId })
  .describe(
    'Every process of the server’s own machine (`server.machine: own`) is killed, and it is booted anew: the pids of the pool’s processes belong to others then.',
  );

/** What may be done. */
export const actionSchema = z.discriminatedUnion('type', [
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
]);
