import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { EVENT_PAYLOADS } from './event-types.ts';

const PAGE = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');

it('docs/events.md lists each type of events with the keys of its payload', () => {
  const listed = [...PAGE.matchAll(/^\| `([\w.]+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, type, keys = '']) => [
    type,
    keys.split(', ').map((key) => key.replaceAll('`', '')),
  ]);
  const known = Object.entries(EVENT_PAYLOADS).map(([type, { shape }]) => [type, Object.keys(shape)]);
  expect(listed).toEqual(known);
});
