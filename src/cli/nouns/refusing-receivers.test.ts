import { expect, it } from 'vitest';
import { diagnosesOfReceivers, maxNamedRefusals } from './refusing-receivers.ts';

const NOW_MS = Date.parse('2026-12-01T03:00:00.000Z');

const receiver = (name: string, refusal: string | null, pending = 0) => ({
  name,
  integrations: [
    {
      integration: `${name}/webhook/0`,
      type: 'webhook',
      built: true,
      send_resolved: true,
      pending,
      refuses_since: refusal === null ? null : '2026-12-01T00:56:00.000Z',
      refusal,
    },
  ],
});
const lastOf = (remedy: string | null | undefined): string =>
  /omoi receivers test .+ tells/.exec(remedy ?? '')?.[0] ?? '';

it('names who refuses, since when, what was answered, and what to do', () => {
  const found = diagnosesOfReceivers(
    [receiver('desk', null), receiver('pager', 'HTTP 403: invalid key', 3)],
    NOW_MS,
  );
  expect(found).toEqual([
    {
      check: 'receivers',
      state: 'problem',
      message:
        'pager/webhook/0 takes nothing since 2026-12-01T00:56:00.000Z (2h4m), 3 messages wait for it: HTTP 403: invalid key',
      remedy: expect.stringMatching(/^repair what it answers .*omoi receivers test pager tells /) as string,
    },
  ]);
});

it.each([
  ['on call', "omoi receivers test 'on call' tells"],
  ["ada's", "omoi receivers test 'ada'\\''s' tells"],
  ['$& $(id)', "omoi receivers test '$& $(id)' tells"],
])('a name that a shell would read is quoted: %s', (name, told) => {
  expect(lastOf(diagnosesOfReceivers([receiver(name, 'no')], NOW_MS)[0]?.remedy)).toBe(told);
});

it.each([
  [[receiver('desk', null)], 'none of 1 receiver refuses messages'],
  [[receiver('desk', null), receiver('pager', null)], 'none of 2 receivers refuses messages'],
  [
    [{ name: 'desk', integrations: [] }],
    'no receiver sends anything: alerts stand on the dashboard and in the log',
  ],
])('where nobody refuses nothing is to be done', (receivers, message) => {
  expect(diagnosesOfReceivers(receivers, NOW_MS)).toEqual([
    { check: 'receivers', state: 'ok', message, remedy: null },
  ]);
});

it(`names ${maxNamedRefusals}, and how many more there are`, () => {
  const many = (count: number) =>
    diagnosesOfReceivers(
      Array.from({ length: count }, (_, at) => receiver(`r${at}`, 'no')),
      NOW_MS,
    );
  expect(many(maxNamedRefusals)).toHaveLength(maxNamedRefusals);
  const more = many(maxNamedRefusals + 2);
  expect(more).toHaveLength(maxNamedRefusals + 1);
  expect(more.at(-1)).toEqual({
    check: 'receivers',
    state: 'problem',
    message: '2 more take nothing',
    remedy: 'omoi receivers list names them',
  });
});
