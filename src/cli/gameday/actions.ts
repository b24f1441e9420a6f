import { OmoiError, toRfc3339 } from '#telemetry';
import { z } from 'zod';
import { hangBusyWorker } from './busy-worker.ts';
import { createDependants, setDependency } from './dependency.ts';
import type { Action } from './experiment.ts';
import { ExternalAgents, type NewExternalAgents } from './external-agents.ts';
import { changePool, createPool, killPool, reboot, runOneShots, scalePool } from './fleet-faults.ts';
import { Feed, type FeedFleet } from './feed.ts';
import { signalProcess } from './replica-process.ts';
import type { Stage } from './stage.ts';
import { runWrapped, stopWrapped } from './wrapped-programs.ts';

/** Does what a step says. Returns what the step found, for `save`. */
export async function perform(action: Action, stage: Stage): Promise<unknown> {
  switch (action.type) {
    case 'enqueue':
      return enqueueOne(action, stage);
    case 'feed':
      stage.feeds.add(new Feed(fleetOf(stage), { ratePerSecond: action.rate_per_second, task: action.task }));
      return null;
    case 'follow_capacity':
      for (const feed of stage.feeds) feed.followCapacity(action.share);
      return null;
    case 'stop_feed':
      for (const feed of stage.feeds) feed.stop();
      stage.feeds.clear();
      return null;
    case 'hang_busy_worker':
      return hangBusyWorker(action.pool, stage);
    case 'signal':
      return {
        signalled: signalProcess(
          { pid: Number(action.pid), start_ticks: Number(action.start_ticks) },
          action.signal,
        ),
      };
    case 'scale_pool':
      return scalePool(action, stage);
    case 'change_pool':
      return changePool(action, stage);
    case 'kill_pool':
      return killPool(action, stage);
    case 'create_pool':
      return createPool(action, stage);
    case 'create_dependants':
      return createDependants(action, stage);
    case 'dependency':
      return setDependency(action);
    case 'one_shots':
      return runOneShots(action, stage);
    case 'run_wrapped':
      return runWrapped(action, stage);
    case 'stop_wrapped':
      return stopWrapped(action);
    case 'external_agents':
      await registerExternals(action, stage);
      return null;
    case 'silence_agents':
      return externalsOf(stage).silence(action);
    case 'revive_agents':
      return externalsOf(stage).revive();
    case 'reboot':
      return reboot(action, stage);
  }
}

async function registerExternals(action: NewExternalAgents, stage: Stage): Promise<void> {
  if (stage.externals) return stage.externals.register(action);
  const externals = new ExternalAgents(stage.client);
  stage.externals = externals;
  stage.cleanUps.push(() => externals.leave());
  await externals.register(action);
}

function externalsOf({ externals }: Stage): ExternalAgents {
  if (externals) return externals;
  throw new OmoiError('not_found', 'no step before this one has registered external agents');
}

const enqueued = z.object({ task: z.object({ task_id: z.string() }) });

async function enqueueOne(
  { task }: Extract<Action, { type: 'enqueue' }>,
  { client }: Stage,
): Promise<{ readonly at: string; readonly task_id: string }> {
  const at = toRfc3339(Date.now());
  const { task_id: taskId } = enqueued.parse(await client.call('POST', '/api/v1/fleet/tasks', task)).task;
  return { at, task_id: taskId };
}

const samples = z.array(z.object({ value: z.number() }));

function fleetOf({ client }: Stage): FeedFleet {
  const total = async (metricName: string): Promise<number> => {
    const answer = await client.call('GET', `/api/v1/monitor/metrics?metric_name=${metricName}`);
    return samples.parse(answer).reduce((sum, { value }) => sum + value, 0);
  };
  return {
    async enqueue(tasks) {
      await client.call('POST', '/api/v1/fleet/tasks/batch', { tasks });
    },
    async load() {
      return { completed: await total('tasks_completed_total'), queued: await total('tasks_queued_total') };
    },
  };
}
