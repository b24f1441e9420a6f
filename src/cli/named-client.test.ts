import { describe, expect, it } from 'vitest';
import { OmoiError, type ErrorCode } from '#telemetry';
import { suggesting } from './named-client.ts';

/** A server that has so many of a kind, in pages, and refuses all else. */
function serverOf(code: ErrorCode, list: { path: string; key: string; id: string; ids: readonly string[] }) {
  const asked: string[] = [];
  const call = async (_method: string, path: string): Promise<unknown> => {
    asked.push(path);
    const url = new URL(path, 'http://omoi');
    if (url.pathname !== list.path) throw new OmoiError(code, 'It is unknown.');
    const { searchParams } = url;
    const from = searchParams.get('after') ?? searchParams.get('before') ?? searchParams.get('cursor');
    const start = from === null ? 0 : list.ids.indexOf(from) + 1;
    const page = list.ids.slice(start, start + Number(searchParams.get('limit')));
    return {
      [list.key]: page.map((id) => ({ [list.id]: id })),
      next_cursor: start + page.length < list.ids.length ? (page.at(-1) ?? null) : null,
    };
  };
  return { asked, client: suggesting({ call }) };
}

const refusalOf = async (client: ReturnType<typeof suggesting>, path: string): Promise<string> => {
  try {
    await client.call('POST', path);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  throw new Error('it was not refused');
};

describe('what a person has named, and is not there', () => {
  it.each<[ErrorCode, string, string, string, string, string]>([
    ['unknown_agent', '/api/v1/fleet/agents', 'agents', 'agent_id', 'coder-11/restart', 'coder-1'],
    ['unknown_pool', '/api/v1/fleet/pools', 'pools', 'pool_id', 'codes', 'coders'],
    ['unknown_task', '/api/v1/fleet/tasks', 'tasks', 'task_id', 'task_01m8n', 'task_01m8newxbd7nb2'],
    ['unknown_alert', '/api/v1/alerts', 'alerts', 'id', 'alrt_01m8newxbd7nx2', 'alrt_01m8newxbd7nb2'],
    ['unknown_remediation', '/api/v1/watchdog/remediations', 'remediations', 'id', 'rem_01', 'rem_01m8newx'],
  ])('%s: the nearest is named, or the one that begins so', async (code, path, key, id, named, meant) => {
    const { client } = serverOf(code, { path, key, id, ids: ['something-else', meant] });
    expect(await refusalOf(client, `${path}/${named}`)).toBe(`It is unknown; did you mean ${meant}?`);
  });

  it('nothing is named where nothing is near, nor where the server has named one', async () => {
    const list = { path: '/api/v1/fleet/agents', key: 'agents', id: 'agent_id', ids: ['web-1'] };
    const { client, asked } = serverOf('unknown_agent', list);
    expect(await refusalOf(client, '/api/v1/fleet/agents/database')).toBe('It is unknown.');
    expect(asked[0]).toBe('/api/v1/fleet/agents/database');
    const named = suggesting({
      call: () => Promise.reject(new OmoiError('unknown_agent', 'No w; did you mean web-1?')),
    });
    expect(await refusalOf(named, '/api/v1/fleet/agents/w')).toBe('No w; did you mean web-1?');
  });

  it('what it does not know of, and what can’t be listed, stays as it is', async () => {
    const { client } = serverOf('unknown_trace', { path: '/x', key: 'x', id: 'id', ids: [] });
    expect(await refusalOf(client, '/api/v1/observability/traces/1')).toBe('It is unknown.');
    const { client: blind } = serverOf('unknown_agent', { path: '/x', key: 'x', id: 'id', ids: [] });
    expect(await refusalOf(blind, '/api/v1/fleet/agents/a')).toBe('It is unknown.');
  });

  it('ten thousand are looked at, and no more', async () => {
    const ids = Array.from({ length: 10_002 }, (_, at) => `agent-${String(at).padStart(6, '0')}-${at}`);
    const list = { path: '/api/v1/fleet/agents', key: 'agents', id: 'agent_id', ids };
    const { client, asked } = serverOf('unknown_agent', list);
    expect(await refusalOf(client, '/api/v1/fleet/agents/agent-009999-')).toContain('agent-009999-9999?');
    expect(await refusalOf(client, '/api/v1/fleet/agents/agent-010001-10001x')).not.toContain('10001?');
    expect(asked.filter((path) => path.includes('limit=')).length).toBe(2 * 11);
  });
});
