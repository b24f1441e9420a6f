import { expect, it } from 'vitest';
import { OomKills } from './oom-kills.ts';

it.each<[string, string, readonly [number, readonly boolean[]][]]>([
  ['nothing where none was killed so', 'oom_kill', [[3, [false, false]]]],
  [
    'as many ends as were counted since',
    'oom_kill',
    [
      [5, [true, true, false]],
      [5, [false]],
      [6, [true, false]],
    ],
  ],
  ['nothing where the kernel does not count', 'oom_victims', [[9, [false]]]],
])('explains %s', (_, name, looks) => {
  let count = 3;
  const kills = new OomKills(() => `pgfault 7\n${name} ${count}\nnr_free_pages 1\n`);
  for (const [now, explained] of looks) {
    count = now;
    expect(explained.map(() => kills.explains())).toEqual(explained);
  }
});

it('explains no end by what was counted long before it', () => {
  let count = 3;
  const kills = new OomKills(() => `oom_kill ${count}\n`);
  count = 4;
  kills.forget();
  expect(kills.explains()).toBe(false);
  count = 5;
  expect(kills.explains()).toBe(true);
});
