import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ReplyPort, sendReplies } from './reply-port.ts';

const reply = (id: number) => ({
  id,
  ok: true as const,
  result: { rows: [], changes: null, lastInsertRowid: null },
});

describe('where the replies of a thread come in', () => {
  let received: number[];
  let port: ReplyPort;
  beforeEach(() => {
    received = [];
    port = new ReplyPort((replies) => received.push(...replies.map(({ id }) => id)));
  });
  afterEach(() => port.close());
  const send = (id: number): void => sendReplies(port.way, [reply(id)]);
  /** Waits for what never comes until this turn of the event loop has no time left for it. */
  const waitInVain = (): void => {
    for (let call = 0; call < 10; call++) port.receiveAtOnce(() => true);
  };

  it('hands them on in the turn in which they come, in their order', () => {
    send(1);
    send(2);
    port.receiveAtOnce(() => received.length < 2);
    expect(received).toEqual([1, 2]);
  });

  it('hands each on once, those that nobody waited for by the event loop', async () => {
    send(1);
    port.receiveAtOnce(() => received.length === 0);
    send(2);
    while (received.length < 2) await nextTurn();
    expect(received).toEqual([1, 2]);
  });

  it('gives what does not come at once to the event loop, and waits again in the next turn', async () => {
    waitInVain();
    send(1);
    port.receiveAtOnce(() => received.length === 0);
    expect(received).toEqual([]);
    while (received.length === 0) await nextTurn();
    await nextTurn();
    send(2);
    port.receiveAtOnce(() => received.length < 2);
    expect(received).toEqual([1, 2]);
  });
});
