import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';
import { build, fleetCaller, FLEET, registration, type Role } from './fleet-routes.test-support.ts';

let served: FleetApi;

beforeEach(async () => {
  served = await openFleetApi({ limits: { maxPayloadBytes: 200, maxBatchTasks: 3 } });
});
afterEach(() => served.close());

const call = fleetCaller(() => served);

describe('bad input is answered with a code and changes nothing', () => {
  const ref = { agent_id: 'worker-1', generation: 1 };
  test.each<[string, Role, string, unknown, number, string]>([
    ['an unknown type', 'agent', '/agents', { ...registration, agent_type: 'boss' }, 400, 'invalid_request'],
    ['a missing nonce', 'agent', '/agents', { ...registration, nonce: undefined }, 400, 'invalid_request'],
    [
      'a TTL too short',
      'agent',
      '/agents',
      { ...registration, heartbeat_interval_ms: 1000, heartbeat_ttl_ms: 2000 },
      400,
      'invalid_request',
    ],
    [
      'a TTL whose interval would be too short',
      'agent',
      '/agents',
      { ...registration, heartbeat_ttl_ms: 349 },
      400,
      'invalid_request',
    ],
    [
      'another agent’s token',
      'agent',
      '/agents',
      { ...registration, agent_id: 'worker-2' },
      403,
      'token_scope',
    ],
    ['a weak role', 'viewer', '/agents', registration, 403, 'forbidden'],
    [
      'a later generation',
      'agent',
      '/agents',
      { ...registration, agent_id: 'worker-1', generation: 9 },
      404,
      'unknown_generation',
    ],
    [
      'a beat of nobody',
      'operator',
      '/agents/x/heartbeat',
      { generation: 1, sequence: 1 },
      404,
      'unknown_agent',
    ],
    [
      'a beat with a wrong type',
      'agent',
      '/agents/worker-1/heartbeat',
      { generation: '1', sequence: 1 },
      400,
      'invalid_request',
    ],
    [
      'a beat for another agent',
      'agent',
      '/agents/worker-2/heartbeat',
      { generation: 1, sequence: 1 },
      403,
      'token_scope',
    ],
    [
      'a phase that is no name',
      'operator',
      '/tasks',
      { ...build, phase_id: 'PHASE LUNCH' },
      400,
      'invalid_request',
    ],
    [
      'a payload too large',
      'operator',
      '/tasks',
      { ...build, payload: 'x'.repeat(300) },
      413,
      'body_too_large',
    ],
    [
      'a batch too large',
      'operator',
      '/tasks/batch',
      { tasks: Array.from({ length: 4 }, () => build) },
      400,
      'invalid_request',
    ],
    [
      'a batch too large for a look at its tasks',
      'operator',
      '/tasks/batch',
      { tasks: Array.from({ length: 501 }, () => 1) },
      400,
      'invalid_request',
    ],
    [
      'a key with half of a surrogate pair',
      'operator',
      '/tasks',
      { ...build, idempotency_key: '\ud83d' },
      400,
      'invalid_request',
    ],
    [
      'a resource with a NUL',
      'agent',
      '/locks',
      { agent_id: 'worker-1', generation: 1, resource_type: 't', resource_name: 'a\0b' },
      400,
      'invalid_request',
    ],
    [
      'too many labels',
      'agent',
      '/agents',
      { ...registration, labels: Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`l${at}`, ''])) },
      400,
      'invalid_request',
    ],
    ['a claim of nobody', 'operator', '/tasks/claim', { agent_id: 'x', generation: 1 }, 404, 'unknown_agent'],
    [
      'a claim for another agent',
      'agent',
      '/tasks/claim',
      { agent_id: 'worker-2', generation: 1 },
      403,
      'token_scope',
    ],
    ['an unknown task', 'operator', '/tasks/none/complete', ref, 404, 'unknown_task'],
    ['an order of an agent', 'agent', '/tasks/none/cancel', {}, 403, 'forbidden'],
    [
      'a lock for nobody',
      'operator',
      '/locks',
      { agent_id: 'x', generation: 1, resource_type: 't', resource_name: 'n' },
      404,
      'unknown_agent',
    ],
  ])('%s', async (_, role, path, body, status, code) => {
    expect(await call(role, path, body)).toMatchObject({ status, body: { error: code } });
    expect(served.fleet.feed.snapshot()).toMatchObject({ agents: [], queue: [], parked: [], locks: [] });
  });

  test('malformed JSON', async () => {
    const answer = await served.api.app.inject({
      method: 'POST',
      url: `${FLEET}/tasks`,
      headers: { ...served.api.as('operator'), host: 'omoi.example', 'content-type': 'application/json' },
      payload: '{"task_type":',
    });
    expect([answer.statusCode, answer.json()]).toMatchObject([400, { error: 'malformed_json' }]);
  });
});
