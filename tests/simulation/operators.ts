import { messageOf, OmoiError } from '#telemetry';
import type { Parts } from '../../src/server/parts.ts';
import { between, happens, oneOf } from './chance.ts';
import { Unreachable } from './network.ts';
import { POISON } from './worker.ts';
import type { World } from './world.ts';

const OPERATOR = 'operator';
const ILL: ReadonlySet<string> = new Set(['FAILED', 'STALLED', 'UNRESPONSIVE']);
const asked = { reason: 'an operator wants it', by: OPERATOR, traceparent: null };

/** What people and other programs do with the server; each call is one that may fail, like theirs. */
export const OPERATIONS = {
  tasks_come: (world: World) => enqueue(world, between(world.random, 1, 4)),
  tasks_flood: (world: World) => enqueue(world, between(world.random, 40, 80)),
  task_is_cancelled: (world: World) => {
    const taskId = oneOf(world.random, [...world.ledger.enqueued]);
    if (taskId !== undefined)
      ask(world, ({ fleet }) => fleet.tasks.cancel(taskId, { by: OPERATOR, traceparent: null }));
  },
  lock_is_broken: (world: World) =>
    ask(world, async ({ fleet }) => {
      const query = { resourceType: null, agentId: null, afterLockId: null, limit: 1 };
      for (const lock of await fleet.locks.list(query)) await fleet.locks.break(lock.lock_id, null);
    }),
  operator_pauses: (world: World) => ask(world, ({ watchdog }) => watchdog.pause(OPERATOR, 'simulated')),
  operator_resumes: resume,
  operator_decides: (world: World) => decide(world, happens(world.random, 0.7)),
  operator_quarantines: (world: World) => {
    const agentId = anyAgent(world);
    ask(world, ({ fleet }) => fleet.agents.quarantine({ agentId, reason: 'simulated', traceparent: null }));
    world.clock.after(between(world.random, 2000, 12_000), () =>
      ask(world, ({ fleet }) => fleet.agents.release({ agentId, reason: 'simulated', traceparent: null })),
    );
  },
  /** Somebody takes what is ill out of service, to look into it. */
  operator_quarantines_the_ill: (world: World) => {
    const agentId = oneOf(world.random, illAgents(world));
    if (agentId === undefined) return;
    ask(world, ({ fleet }) => fleet.agents.quarantine({ agentId, reason: 'ill', traceparent: null }));
    world.clock.after(between(world.random, 5000, 20_000), () =>
      ask(world, ({ fleet }) => fleet.agents.release({ agentId, reason: 'looked into', traceparent: null })),
    );
  },
  /** Somebody does what the watchdog would have done, before it does. */
  operator_restarts_the_ill: (world: World) => {
    const agentId = oneOf(world.random, illAgents(world));
    if (agentId !== undefined) ask(world, ({ pools }) => pools.restart({ agentId, ...asked }));
  },
  /** Who has run a command that failed takes it off the list. */
  operator_dismisses: (world: World) => {
    const failed = illAgents(world).filter((agentId) => world.ledger.oneShots.has(agentId));
    const agentId = oneOf(world.random, failed);
    if (agentId !== undefined) dismiss(world, agentId);
  },
  operator_restarts: (world: World) => {
    const agentId = anyAgent(world);
    ask(world, ({ pools }) => pools.restart({ agentId, ...asked }));
  },
  operator_scales: (world: World) => {
    const pool = oneOf(world.random, world.pools);
    if (!pool) return;
    const desired = between(world.random, pool.min, pool.max);
    ask(world, ({ pools }) => pools.update(pool.id, { desired }, asked));
  },
  operator_redefines: (world: World) => {
    const pool = oneOf(world.random, world.pools);
    if (!pool) return;
    const env = { RELEASE: String(between(world.random, 1, 3)) };
    ask(world, ({ pools }) => pools.update(pool.id, { env }, asked));
  },
  operator_maintains: (world: World) => {
    const pool = oneOf(world.random, world.pools)?.id ?? '';
    const target = happens(world.random, 0.5) ? `pool:${pool}` : `agent:${anyAgent(world)}`;
    const lengthMs = between(world.random, 1000, 40_000);
    ask(world, ({ watchdog }) =>
      watchdog.maintenance.begin({ target, lengthMs, reason: 'simulated', by: OPERATOR }),
    );
  },
  operator_ends_maintenance: (world: World) =>
    ask(world, async ({ watchdog: { maintenance } }) => {
      for (const { window } of maintenance.list().slice(0, 1)) await maintenance.end(window.id, OPERATOR);
    }),
  operator_handles_alert: (world: World) => {
    const resolves = happens(world.random, 0.3);
    ask(world, async ({ alerting }) => {
      const { alerts } = await alerting.alerts.list({ state: 'firing', matchers: [], limit: 1 });
      for (const { id } of alerts) {
        if (resolves) await alerting.alerts.resolve(id);
        else await alerting.handling.acknowledge(id, OPERATOR);
      }
    });
  },
  broken_rules_are_loaded: (world: World) => ask(world, (parts) => loadBrokenRules(world, parts)),
  broken_policy_is_loaded: (world: World) => ask(world, (parts) => loadBrokenPolicy(world, parts)),
} as const;

/** Asks the server for something, and lives with its refusal. */
export function ask(world: World, call: (parts: Parts) => Promise<unknown>): void {
  world.network.call(OPERATOR, call).catch((thrown: unknown) => {
    if (thrown instanceof OmoiError || thrown instanceof Unreachable) return;
    world.ledger.surprises.push(messageOf(thrown));
  });
}

/** Takes what was run beside the pools off the list. */
export function dismiss(world: World, agentId: string): void {
  const generation = world.chronicle.agents.get(agentId)?.generation ?? 1;
  const order = { agentId, generation, reason: 'it is done with', exit: null, traceparent: null };
  ask(world, ({ fleet }) => fleet.agents.deregisterExternal(order));
}

/** Ends a pause, and storms with it. */
export function resume(world: World): void {
  ask(world, ({ watchdog }) => {
    world.ledger.resumedAtMs = world.clock.monotonicMs();
    return watchdog.resume(OPERATOR);
  });
}

/** A task that ends whoever works on it. */
export function bringPoison(world: World): void {
  enqueue(world, 1, POISON);
}

function illAgents({ chronicle }: World): readonly string[] {
  return [...chronicle.agents].flatMap(([agentId, { status }]) => (ILL.has(status) ? [agentId] : []));
}

function anyAgent(world: World): string {
  return oneOf(world.random, [...world.chronicle.agents.keys()]) ?? 'nobody';
}

function enqueue(world: World, count: number, taskType = 'simulated'): void {
  const phaseId = oneOf(world.random, world.pools)?.phaseId ?? '';
  const tasks = Array.from({ length: count }, () => ({
    taskType,
    phaseId,
    priority: between(world.random, 0, 2),
    payload: '{}',
    timeLimitMs: null,
    maxAttempts: 5,
    idempotencyKey: null,
    poolId: null,
  }));
  ask(world, async ({ fleet }) => {
    const enqueued = await fleet.tasks.enqueue(tasks, null);
    for (const { task } of enqueued) world.ledger.enqueued.add(task.task_id);
  });
}

function decide(world: World, approves: boolean): void {
  ask(world, async ({ remediations, watchdog }) => {
    const waiting = await remediations.list({ states: ['awaiting_approval'], limit: 5 });
    for (const { remediation } of waiting) {
      if (approves) await watchdog.approve(remediation.id, OPERATOR);
      else await watchdog.reject(remediation.id, OPERATOR);
    }
  });
}

async function loadBrokenRules({ ledger }: World, { alerting }: Parts): Promise<void> {
  const before = [...alerting.rules.states.values()];
  const text = 'groups:\n  - name: broken\n    rules:\n      - alert: Broken\n        expr: up ==\n';
  const taken = await wasTaken(() => alerting.rules.load([{ name: 'broken.yaml', text }]));
  const after = [...alerting.rules.states.values()];
  if (taken || before.some((run, place) => run !== after[place]))
    ledger.brokenFilesTaken.push('a broken rule file changed the rules');
}

async function loadBrokenPolicy({ clock, ledger }: World, { watchdog }: Parts): Promise<void> {
  const before = watchdog.policies.list();
  const taken = await wasTaken(() =>
    watchdog.policies.load([{ name: 'broken.yaml', text: 'name: broken\nsteps: []\n' }], clock),
  );
  if (taken || watchdog.policies.list() !== before)
    ledger.brokenFilesTaken.push('a broken policy changed the policies');
}

async function wasTaken(load: () => unknown): Promise<boolean> {
  try {
    await load();
    return true;
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code.endsWith('_file_invalid')) return false;
    throw thrown;
  }
}
