import { describe, expect, it } from 'vitest';
import { createSeededRandom, type SystemEvent } from '#telemetry';
import { CommitOrder } from './commit-order.ts';

const event = (id: number): SystemEvent => ({
  id,
  at: '2026-11-22T12:00:00.000Z',
  event_type: 'watchdog.state.changed',
  entity_type: 'watchdog',
  entity_id: 'watchdog',
  traceparent: null,
  payload: { state: 'storm', active: true, reason: 'test' },
});

describe('commit order', () => {
  it.each([
    ['news in order', ['1 committed', '2 committed', '3 committed'], [1, 2, 3]],
    ['news the wrong way round', ['3 committed', '2 committed', '1 committed'], [1, 2, 3]],
    ['one that was rolled back', ['2 committed', '1 rolled back', '3 committed'], [2, 3]],
    ['one that is still open', ['3 committed', '1 committed'], [1]],
  ])('holds for %s', (_what, news, expected) => {
    const published: number[] = [];
    const order = new CommitOrder(({ id }) => published.push(id));
    const tickets = new Map([1, 2, 3].map((id) => [String(id), order.add([event(id)])]));
    for (const line of news) {
      const ticket = tickets.get(line.slice(0, 1));
      if (line.endsWith('committed')) ticket?.committed();
      else ticket?.rolledBack();
    }
    expect(published).toEqual(expected);
  });

  it('holds for thousands that end in any order while others begin', () => {
    const random = createSeededRandom(7);
    const published: number[] = [];
    const order = new CommitOrder(({ id }) => published.push(id));
    const open: { readonly id: number; readonly committed: () => void; readonly rolledBack: () => void }[] =
      [];
    const expected: number[] = [];
    for (let id = 1; id <= 3000 || open.length > 0; id++) {
      if (id <= 3000) open.push({ id, ...order.add([event(id)]) });
      if (random.next() < 0.5) continue;
      const [ended] = open.splice(Math.floor(random.next() * open.length), 1);
      if (ended && ended.id % 3 === 0) ended.rolledBack();
      else if (ended) {
        ended.committed();
        expected.push(ended.id);
      }
    }
    expect(published).toEqual(expected.toSorted((a, b) => a - b));
  });
});
