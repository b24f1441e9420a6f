import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startTestApi } from '../api.test-support.ts';
import { openFleetApi, type FleetApi } from '../fleet-api.test-support.ts';
import type { ApiApp } from './app.ts';

let fleet: FleetApi;

beforeAll(async () => {
  fleet = await openFleetApi();
});

afterAll(() => fleet.close());

async function call(method: 'GET' | 'POST', path: string, payload?: object): Promise<string> {
  const answer = await fleet.api.app.inject({
    method,
    url: `/api/v1/fleet/${path}`,
    headers: fleet.api.as(method === 'GET' ? 'viewer' : 'operator'),
    ...(payload && { payload }),
  });
  const { error = 'taken', message = '' } = answer.json<{ error?: string; message?: string }>();
  return `${answer.statusCode} ${error} ${message}`.trim();
}

const task = { task_type: 'build', phase_id: 'PHASE_IMPLEMENTATION' };
const unknown = (what: string): string => `400 unknown_key ${what}`;

describe('what no route reads', () => {
  it.each([
    ['agents?stauts=FAILED', unknown('query.stauts: unknown parameter; did you mean "status"?')],
    [
      'locks?colour=red',
      unknown('query.colour: unknown parameter; known are resource_type, agent_id, after, limit'),
    ],
    ['tasks/t1?verbose=1', unknown('query.verbose: unknown parameter; none is read here')],
    [
      'tasks?limit=0&stat=failed',
      unknown(
        'query.limit: Too small: expected number to be >=1; query.stat: unknown parameter; did you mean "state"?',
      ),
    ],
    [
      'agents?__proto__=x',
      unknown('query.__proto__: unknown parameter; known are pool_id, status, present, after, limit'),
    ],
    [
      'agents?constructor=x',
      unknown('query.constructor: unknown parameter; known are pool_id, status, present, after, limit'),
    ],
    ['tasks/t1?__proto__=x', unknown('query.__proto__: unknown parameter; none is read here')],
    ['agents?limit=1', '200 taken'],
  ])('GET %s is answered %s', async (path, expected) => {
    expect(await call('GET', path)).toBe(expected);
  });

  it.each([
    ['tasks', { ...task, priorty: 9 }, unknown('body.priorty: unknown key; did you mean "priority"?')],
    [
      'tasks/batch',
      { tasks: [task, { ...task, max_attempt: 1 }] },
      unknown('body.tasks.1.max_attempt: unknown key; did you mean "max_attempts"?'),
    ],
    [
      'tasks/complete',
      { agent_id: 'w', generation: 1, completions: [{ task_id: 't', reslut: 1 }] },
      unknown('body.completions.0.reslut: unknown key; did you mean "result"?'),
    ],
    ['tasks/t1/cancel', { reason: 'late' }, unknown('body.reason: unknown key; none is read here')],
  ])('POST %s with %j is answered %s', async (path, payload, expected) => {
    expect(await call('POST', path, payload)).toBe(expected);
  });

  it('refuses of many heartbeats the one that has it', async () => {
    const answer = await fleet.api.app.inject({
      method: 'POST',
      url: '/api/v1/fleet/agents/heartbeats',
      headers: fleet.api.as('operator'),
      payload: { heartbeats: [{ agent_id: 'w', generation: 1, sequence: 1, in_flights: 2 }] },
    });
    const message = 'heartbeat.in_flights: unknown key; did you mean "in_flight"?';
    expect(answer.json()).toEqual({ heartbeats: [{ agent_id: 'w', error: 'unknown_key', message }] });
  });

  it('is not what others chose the keys of', async () => {
    const payload = { ...task, payload: { anything: { at: 'all' } } };
    expect(await call('POST', 'tasks', payload)).toBe('201 taken');
  });

  it('is nothing that a key which stands twice could hide: what is checked is what is done', async () => {
    const post = async (body: string) => {
      const headers = { ...fleet.api.as('operator'), 'content-type': 'application/json' };
      const url = '/api/v1/fleet/tasks';
      const answer = await fleet.api.app.inject({ method: 'POST', url, headers, payload: body });
      return [answer.statusCode, answer.json()];
    };
    const rest = '"phase_id": "PHASE_TESTING"';
    expect(await post(`{"task_type": "/", "task_type": "build", ${rest}}`)).toMatchObject([
      201,
      { task: { task_type: 'build' } },
    ]);
    expect(await post(`{"task_type": "build", "task_type": "/", ${rest}}`)).toMatchObject([
      400,
      { error: 'invalid_request' },
    ]);
  });

  it('may be an empty body where none is read', async () => {
    expect(await call('POST', 'tasks/t1/cancel', {})).toMatch(/^404 unknown_task/);
    expect(await call('POST', 'tasks/t1/cancel')).toMatch(/^404 unknown_task/);
  });

  it('is named by five and counted beyond, however long', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`x${at}`, at]));
    expect(await call('POST', 'tasks', { ...task, ['y'.repeat(1_000)]: 1, ...many })).toMatch(
      /^400 unknown_key body\.y{100}…: unknown key; known are .*; and 36 more$/,
    );
  });

  it('stands in the description as what a body may not have', async () => {
    const { paths } = (await fleet.api.app.inject({ url: '/openapi.json' })).json();
    const batch = paths['/api/v1/fleet/tasks/batch'].post.requestBody.content['application/json'].schema;
    expect(batch.additionalProperties).toBe(false);
    expect(batch.properties.tasks.items.additionalProperties).toBe(false);
    expect(paths['/api/v1/fleet/tasks/{task_id}/cancel'].post).not.toHaveProperty('requestBody');
  });
});

describe('a route', () => {
  const answer = { 200: z.object({}) };
  it.each([
    ['query', { querystring: z.object({ q: z.string() }) }, 'GET', ''],
    ['body', { body: z.object({ q: z.string() }) }, 'POST', ''],
    [
      'body',
      {
        body: z.strictObject({
          list: z.array(z.object({})).default([]),
        }),
      },
      'POST',
      '.list[]',
    ],
  ] as const)('does not start that would drop keys of its %s (%#)', async (part, schema, method, where) => {
    const register = (app: ApiApp): void => {
      const config = { access: ['viewer'] as const };
      app.route({ method, url: '/api/v1/thing', config, schema: { ...schema, response: answer }, handler });
    };
    const handler = () => ({});
    await expect(startTestApi({ register })).rejects.toThrow(
      `${method} /api/v1/thing would drop unknown keys of its ${part}${where}: use z.strictObject`,
    );
  });
});
