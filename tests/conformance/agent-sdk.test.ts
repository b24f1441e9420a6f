import {
  createAgent,
  type Agent,
  type ClaimAnswer,
  type CompletionsAnswer,
  type CompletionsRequest,
  type ErrorAnswer,
  type HeartbeatAnswer,
  type RegisterAnswer,
} from '@omoi/agent';
import { ERROR_CATALOGUE } from '#telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { ScriptedServer } from '../../agent/src/scripted-server.test-support.ts';
import { deregisterBody, registerAnswer, registerBody } from '../../src/api/agents/agent-schemas.ts';
import { heartbeatAnswer, heartbeatBody } from '../../src/api/agents/heartbeat-schemas.ts';
import {
  claimAnswer,
  claimBody,
  completeBody,
  completionsAnswer,
  completionsBody,
  failBody,
  renewBody,
} from '../../src/api/tasks/task-schemas.ts';

// What the server answers is what the SDK's types say: the compiler holds these.
const registered: RegisterAnswer = registerAnswer.parse({
  agent_id: 'coders-1',
  generation: 1,
  status: 'IDLE',
  fresh: true,
  heartbeat_interval_ms: 100,
  heartbeat_ttl_ms: 350,
  default_lease_ms: 30_000,
  max_wait_ms: 30_000,
  server_time: '2026-01-01T00:00:00.000Z',
});
const acknowledged: HeartbeatAnswer = heartbeatAnswer.parse({
  acknowledged: 1,
  generation: 1,
  desired: 'run',
  heartbeat_interval_ms: 100,
});
const delivered: CompletionsAnswer = completionsAnswer.parse({
  completions: [
    { task_id: 't1', state: 'completed' },
    { task_id: 't2', error: 'lease_lost', status: 409, message: '' },
  ],
});
const LEASE_MS = 300;

/** A claimed task always has a lease; the schema of all tasks allows that there is none. */
type Claimed = ClaimAnswer['tasks'][number];
const claimed = (taskId: string): { readonly tasks: readonly Claimed[] } => ({
  tasks: claimAnswer
    .parse({
      tasks: [
        {
          task_id: taskId,
          task_type: 'fetch',
          phase_id: 'PHASE_IMPLEMENTATION',
          priority: 5,
          payload: { file: 'a' },
          attempt: 1,
          max_attempts: 3,
          lease_ms: LEASE_MS,
          lease_expires_at: '2026-01-01T00:00:30.000Z',
          alone: false,
          time_limit_ms: null,
          progress: null,
          traceparent: null,
        },
      ],
    })
    .tasks.map((task) => ({ ...task, lease_ms: task.lease_ms ?? 0 })),
});

const BODIES: Readonly<Record<string, z.ZodObject>> = {
  register: registerBody,
  heartbeat: heartbeatBody,
  deregister: deregisterBody,
  claim: claimBody,
  renew: renewBody,
  complete: completeBody,
  fail: failBody,
};

let server: ScriptedServer;
let agent: Agent;

beforeEach(async () => {
  const tasks = ['t1', 't2'];
  server = new ScriptedServer({
    register: () => ({ body: registered }),
    heartbeat: () => ({ body: acknowledged }),
    claim: () => {
      const next = tasks.shift();
      return next === undefined ? new Promise(() => {}) : { body: claimed(next) };
    },
  });
  await server.open();
});

afterEach(async () => {
  await agent.drain();
  await server.goAway();
});

describe('the agent SDK and the server', () => {
  it('agree on every request, key by key', async () => {
    agent = createAgent({
      url: server.url,
      agentId: 'coders-1',
      poolId: 'coders',
      phaseId: 'PHASE_IMPLEMENTATION',
      labels: { zone: 'a' },
      capabilities: ['fetch'],
      heartbeatIntervalMs: 100,
      heartbeatTtlMs: 350,
      handleSigterm: false,
      graceMs: 100,
    });
    agent.degraded('a reason');
    agent.work(
      (task) =>
        new Promise((resolve, reject) => {
          const settle = (): void =>
            task.task_id === 't1' ? resolve({ digest: 'x' }) : reject(new Error('no such file'));
          setTimeout(settle, LEASE_MS);
        }),
      { concurrency: 2, taskTypes: ['fetch'], phaseIds: ['PHASE_IMPLEMENTATION'], leaseMs: LEASE_MS },
    );
    await server.until(() => server.of('complete').length === 1 && server.of('fail').length === 1);
    await server.until(() => server.of('heartbeat').length > 1);
    await agent.drain();
    for (const [kind, schema] of Object.entries(BODIES)) {
      const received = server.of(kind);
      expect(received.length, kind).toBeGreaterThan(0);
      for (const { body } of received) {
        expect(
          Object.keys(body).filter((key) => !(key in schema.shape)),
          kind,
        ).toEqual([]);
        expect(schema.safeParse(body), kind).toMatchObject({ success: true });
      }
    }
  });

  it('agree on several completions at once', () => {
    agent = createAgent({ url: '' });
    const request: CompletionsRequest = {
      agent_id: 'coders-1',
      generation: 1,
      completions: [{ task_id: 't1', attempt: 1, result: { digest: 'x' } }],
    };
    expect(completionsBody.parse(request)).toEqual(request);
    expect(delivered.completions.map((each) => ('error' in each ? each.status : each.state))).toEqual([
      'completed',
      409,
    ]);
  });

  it('agree on the errors that the SDK acts upon', () => {
    const answer: ErrorAnswer = { error: 'lease_lost', message: '' };
    agent = createAgent({ url: '' });
    for (const code of [
      answer.error,
      'generation_superseded',
      'generation_taken',
      'unknown_agent',
      'unknown_generation',
      'agent_gone',
      'agent_not_claiming',
    ]) {
      expect(ERROR_CATALOGUE).toHaveProperty(code);
    }
  });
});
