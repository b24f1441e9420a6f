import { afterEach, describe, expect, it } from 'vitest';
import type { SystemEvent } from '#telemetry';
import { serveStreams } from './event-stream-server.test-support.ts';
import { followRows, followWhole, tellsOf } from './follow-rows.ts';
import { unreached } from './server-address.ts';

const event = (entityId: string, payload: object): SystemEvent =>
  ({ id: 1, event_type: 'watchdog.escalated', entity_id: entityId, payload }) as unknown as SystemEvent;

describe('an event tells of w-1', () => {
  it.each([
    ['where it is about it', event('w-1', {}), true],
    ['where it names it', event('rem_1', { agent_id: 'w-1' }), true],
    ['where it is the target', event('rem_1', { target: { kind: 'agent', id: 'w-1' } }), true],
    ['and not where another one is', event('w-11', { agent_id: 'w-11', target: null }), false],
  ])('%s', (_, one, tells) => expect(tellsOf('w-1')(one)).toBe(tells));
});

let close = (): void => {};
afterEach(() => close());

/** A server of which one agent has changed, and then refuses all. */
async function telling() {
  let connections = 0;
  const {
    url,
    close: stop,
    breakOff,
  } = await serveStreams((_, response) => {
    if (++connections === 1) response.write(`id: 1\n\nid: 2\ndata: ${JSON.stringify(event('w-1', {}))}\n\n`);
    else response.writeHead(403).end('{"error":"forbidden","message":"the end of the test"}');
  });
  close = stop;
  return { kind: 'remote', url, token: null, end: breakOff } as const;
}

describe('a server that goes between telling of a change and being asked for it', () => {
  it('is asked again when it is back', async () => {
    const server = await telling();
    let asked = 0;
    const printed: string[] = [];
    const following = followRows(server, {
      types: [],
      idOf: ({ entity_id: id }) => id,
      read: async (id) => {
        if (++asked === 1) throw unreached('it has gone');
        return `${id}, asked ${asked} times`;
      },
      printAll: async () => {},
      print: (row: string) => {
        printed.push(row);
        server.end();
      },
    });
    await expect(following).rejects.toThrow('the end of the test');
    expect(printed).toEqual(['w-1, asked 2 times']);
  });

  it('has the whole printed again when it is back', async () => {
    const server = await telling();
    let asked = 0;
    const print = async (): Promise<void> => {
      if (++asked === 2) throw unreached('it has gone');
      if (asked === 3) server.end();
    };
    await expect(followWhole(server, { types: [], print })).rejects.toThrow('the end of the test');
    expect(asked).toBe(3);
  });
});
