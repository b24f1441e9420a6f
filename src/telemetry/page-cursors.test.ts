import { describe, expect, it } from 'vitest';
import { PageCursors } from './page-cursors.ts';

const tasks = (filters: object) => new PageCursors('tasks', filters);
const queued = tasks({ state: 'queued', pool: undefined, labels: ['a="1"', 'b="2"'] });

function read(cursors: PageCursors, cursor: string): string {
  try {
    return cursors.placeOf(cursor);
  } catch (thrown) {
    return String(thrown);
  }
}

describe('a cursor', () => {
  it.each(['', 'w-7', '1764330000000.alrt_1', 'a/b "c" é 💩\n.', 'x'.repeat(1000)])(
    'of the place %.20j is read by the list that gave it, whatever the order of the filters',
    (place) => {
      const cursor = queued.at(place);
      expect(read(queued, cursor)).toBe(place);
      expect(read(tasks({ labels: ['a="1"', 'b="2"'], state: 'queued' }), cursor)).toBe(place);
    },
  );

  it.each([
    ['another list', new PageCursors('agents', { state: 'queued', labels: ['a="1"', 'b="2"'] })],
    ['another filter', tasks({ state: 'failed', labels: ['a="1"', 'b="2"'] })],
    ['a filter more', tasks({ state: 'queued', labels: ['a="1"', 'b="2"'], pool: 'p' })],
    ['a filter less', tasks({ labels: ['a="1"', 'b="2"'] })],
    ['other texts in a filter', tasks({ state: 'queued', labels: ['a="1", b="2"'] })],
  ])('is refused under %s', (_, cursors) => {
    expect(read(cursors, queued.at('w-7'))).toMatch(/is none that this list gave under these filters/);
  });

  it.each([
    '',
    '.',
    'w-7',
    'w-7.',
    `w-7.${'A'.repeat(11)}`,
    queued.at('w-7').replace('w-7', 'w-8'),
    `${queued.at('w-7')} `,
  ])('that nobody gave is refused: %j', (cursor) => {
    expect(read(queued, cursor)).toBe(
      `OmoiError: cursor ${JSON.stringify(cursor)} of tasks is none that this list gave under these filters: begin with the first page`,
    );
  });
});
