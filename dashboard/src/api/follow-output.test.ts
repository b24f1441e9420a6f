import { describe, expect, it } from 'vitest';
import { ApiError, type ApiClient } from './client.ts';
import { followOutput } from './follow-output.ts';
import type { AgentOutputAnswer } from './wire.ts';

const answer = (text: string, cursor: string): AgentOutputAnswer => ({
  agent_id: 'demo-1',
  generation: 1,
  kept: true,
  stdout: { text, skipped: false },
  stderr: { text: '', skipped: false },
  cursor,
});

/** Follows through scripted answers, and ends behind the last. */
async function follow(script: readonly (AgentOutputAnswer | ApiError)[]) {
  const left = [...script];
  const asked: string[] = [];
  const read: string[] = [];
  const failures: string[] = [];
  const ending = new AbortController();
  const client: Pick<ApiClient, 'get'> = {
    get<Answer>(path: string): Promise<Answer> {
      asked.push(path.replace('/api/v1/fleet/agents/', ''));
      const next = left.shift();
      if (next === undefined) {
        ending.abort();
        return Promise.reject(new ApiError('network_error', 'ended', { status: 0 }));
      }
      return next instanceof ApiError ? Promise.reject(next) : Promise.resolve(next as Answer);
    },
  };
  const listener = {
    onRead: ({ stdout }: AgentOutputAnswer) => void read.push(stdout.text),
    onFailure: ({ code }: ApiError) => void failures.push(code),
  };
  await followOutput(client, { agentId: 'demo 1', signal: ending.signal, listener }, () => Promise.resolve());
  return { asked, read, failures };
}

describe('followOutput', () => {
  it('reads the end, and then what comes behind each answer', async () => {
    const { asked, read, failures } = await follow([
      answer('one\n', '1:0.4:0.0'),
      answer('two\n', '1:0.8:0.0'),
    ]);
    expect(read).toEqual(['one\n', 'two\n']);
    expect(asked).toEqual([
      'demo%201/output?lines=200',
      'demo%201/output?cursor=1%3A0.4%3A0.0&wait_ms=20000',
      'demo%201/output?cursor=1%3A0.8%3A0.0&wait_ms=20000',
    ]);
    expect(failures).toEqual([]);
  });

  it('goes on from where it was when the server is back', async () => {
    const lost = new ApiError('network_error', 'the server cannot be reached', { status: 0 });
    const { asked, read, failures } = await follow([answer('one\n', 'c'), lost, answer('two\n', 'd')]);
    expect(read).toEqual(['one\n', 'two\n']);
    expect(failures).toEqual(['network_error']);
    expect(asked[2]).toBe(asked[1]);
  });

  it('ends where there is nobody to follow', async () => {
    const { asked, failures } = await follow([
      new ApiError('unknown_agent', 'Agent demo 1 is unknown.', { status: 404 }),
    ]);
    expect(failures).toEqual(['unknown_agent']);
    expect(asked).toHaveLength(1);
  });
});
