import { afterAll, beforeAll, expect, it } from 'vitest';
import type {
  ClaimRequest,
  CompleteRequest,
  CompletionsRequest,
  DeregisterRequest,
  FailRequest,
  HeartbeatRequest,
  RegisterRequest,
  RenewRequest,
  TaskClaim,
} from '../../agent/src/index.ts';
import { openFleetApi, type FleetApi } from '../../src/api/fleet-api.test-support.ts';

let fleetApi: FleetApi;

beforeAll(async () => {
  fleetApi = await openFleetApi();
});
afterAll(() => fleetApi.close());

/** With every key that the SDK may send: the server refuses what it does not know. */
type Whole<Request> = { [Key in keyof Request]-?: Exclude<Request[Key], undefined> };

const registration: Whole<RegisterRequest> = {
  agent_id: 'worker-1',
  agent_type: 'worker',
  generation: null,
  nonce: 'nonce-of-worker-1',
  pool_id: 'coders',
  phase_id: 'PHASE_TESTING',
  labels: { host: 'a' },
  capabilities: ['gpu'],
  heartbeat_interval_ms: 1_000,
  heartbeat_ttl_ms: 10_000,
};
const beat: Whole<HeartbeatRequest> = {
  generation: 1,
  sequence: 1,
  health: 'degraded',
  reason: 'hot',
  in_flight: 0,
  nonce: registration.nonce,
  process_activity: { activity: 'stopped', cpu_ms: 1250, memory_bytes: 4096 },
};
const claim: Whole<ClaimRequest> = {
  agent_id: 'worker-1',
  generation: 1,
  task_types: ['build'],
  phase_ids: ['PHASE_TESTING'],
  max_tasks: 2,
  wait_ms: 0,
  lease_ms: 1_000,
};
const held: Whole<TaskClaim> = { agent_id: 'worker-1', generation: 1, attempt: 1 };
const renewal: Whole<RenewRequest> = { ...held, progress: { page: 1 } };
const completion: Whole<CompleteRequest> = { ...held, result: { done: true } };
const completions: Whole<CompletionsRequest> = {
  agent_id: 'worker-1',
  generation: 1,
  completions: [{ task_id: 'task_0', attempt: 1, result: null }],
};
const failure: Whole<FailRequest> = { ...held, error: 'no such file' };
const farewell: Whole<DeregisterRequest> = {
  generation: 1,
  reason: 'done',
  exit_code: 0,
  signal: 'SIGTERM',
  asked: true,
  expect: 'forever',
  last_output: 'all is done',
};

it.each([
  ['agents', registration, '200'],
  ['agents/worker-1/heartbeat', beat, '200'],
  ['tasks/claim', claim, '200'],
  ['tasks/task_0/renew', renewal, '404 unknown_task'],
  ['tasks/task_0/complete', completion, '404 unknown_task'],
  ['tasks/complete', completions, '200'],
  ['tasks/task_0/fail', failure, '404 unknown_task'],
  ['agents/worker-1/deregister', farewell, '200'],
])('the server knows all that the SDK sends to %s', async (path, payload, expected) => {
  const { app, as } = fleetApi.api;
  const headers = as('operator');
  const answer = await app.inject({ method: 'POST', url: `/api/v1/fleet/${path}`, headers, payload });
  const { error = '' } = answer.json<{ error?: string }>();
  expect(`${answer.statusCode} ${error}`.trim(), answer.body).toBe(expected);
});
