import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWriteRequest, snappy } from '../remote-write-request.ts';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';

/*
 * What Omoi acts on is what Omoi itself wrote: no telemetry that somebody sends can make it act on an agent, and an
 * agent's token speaks for that agent or its pool alone.
 */
const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  server = await OmoiServer.start(directory.path);
  admin = new Client(() => server.url, server.adminToken);
  for (const [agentId, poolId] of [
    ['coder-1', 'coders'],
    ['tester-1', 'testers'],
  ]) {
    const body = { agent_id: agentId, agent_type: 'worker', pool_id: poolId, nonce: `nonce-of-${agentId}` };
    await admin.read('/api/v1/fleet/agents', { method: 'POST', body });
  }
});
afterAll(async () => {
  await server.stop();
  directory.remove();
});

async function tokenOf(role: string, scope?: object): Promise<string> {
  const body = { name: `${role} ${JSON.stringify(scope ?? '')}`, role, ...(scope && { scope }) };
  return (await admin.makeToken(body)).secret;
}

const LATE_AGENT = { __name__: 'agent_heartbeats_missed', agent_id: 'coder-1' };

async function remoteWrite(
  token: string | null,
): Promise<{ readonly status: number; readonly text: string }> {
  const samples = [{ timestampMs: Date.now(), value: 99 }];
  const request = encodeWriteRequest([
    { labels: Object.entries(LATE_AGENT), samples },
    { labels: [['__name__', 'harmless']], samples },
  ]);
  const answer = await fetch(`${server.url}/prometheus/api/v1/write`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-protobuf',
      ...(token !== null && { authorization: `Bearer ${token}` }),
    },
    body: Buffer.from(snappy(request)),
  });
  return { status: answer.status, text: await answer.text() };
}

async function sendOtlp(
  token: string | null,
  metrics: readonly (readonly [string, string])[],
): Promise<unknown> {
  const timeUnixNano = `${Date.now()}000000`;
  const gaugeOf = ([name, agentId]: readonly [string, string]) => {
    const attributes = [{ key: 'agent_id', value: { stringValue: agentId } }];
    return { name, gauge: { dataPoints: [{ timeUnixNano, asInt: 99, attributes }] } };
  };
  const body = { resourceMetrics: [{ scopeMetrics: [{ metrics: metrics.map(gaugeOf) }] }] };
  return (await admin.as(token).call('/v1/metrics', { method: 'POST', body })).body;
}

async function valuesOf(query: string): Promise<readonly (string | undefined)[]> {
  const path = `/prometheus/api/v1/query?query=${encodeURIComponent(query)}`;
  const { data } = await admin.read<{ data: { result: { value: [number, string] }[] } }>(path);
  return data.result.map(({ value }) => value[1]);
}

describe('a forged agent_heartbeats_missed', () => {
  it.each<[string, () => Promise<string | null>]>([
    ['whoever is on this machine', async () => null],
    ['an ingest token', () => tokenOf('ingest')],
    ["an admin's token", () => tokenOf('admin')],
  ])('does not get in by remote write from %s', async (_, token) => {
    const answer = await remoteWrite(await token());
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('agent_heartbeats_missed is written by Omoi alone');
    expect(await valuesOf('harmless')).toEqual(['99']);
    expect(await valuesOf('agent_heartbeats_missed{agent_id="coder-1"} >= 99')).toEqual([]);
  });

  it('does not get in by OTLP, from the agent itself either', async () => {
    const token = await tokenOf('agent', { agent_ids: ['coder-1'] });
    expect(await sendOtlp(token, [['agent_heartbeats_missed', 'coder-1']])).toMatchObject({
      partialSuccess: { rejectedDataPoints: '1' },
    });
    expect(await valuesOf('agent_heartbeats_missed{agent_id="coder-1"} >= 99')).toEqual([]);
  });
});

it('a token of a pool speaks over OTLP for the agents of that pool and for no other', async () => {
  const token = await tokenOf('agent', { pool_id: 'coders' });
  const answer = await sendOtlp(token, [
    ['mood', 'coder-1'],
    ['mood', 'tester-1'],
    ['mood', 'nobody-1'],
  ]);
  expect(answer).toMatchObject({ partialSuccess: { rejectedDataPoints: '2' } });
  expect(await valuesOf('mood{agent_id="coder-1"}')).toEqual(['99']);
  expect(await valuesOf('mood')).toEqual(['99']);
});
