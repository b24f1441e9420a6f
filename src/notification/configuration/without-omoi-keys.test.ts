import { parse } from 'yaml';
import { expect, it } from 'vitest';
import { read } from './reading.test-support.ts';
import { withoutOmoiKeys } from './without-omoi-keys.ts';

it.each([
  [
    'on lines of its own, with the comments of the others',
    '# top\nx-omoi: # head\n  people:\n    ann: { receiver: web }\n\n# after\nroute:\n  receiver: web\n  x-omoi: { escalation: a } # why\n  # of the routes\n  routes: []\n',
    '# top\n\n# after\nroute:\n  receiver: web\n  # of the routes\n  routes: []\n',
  ],
  [
    'first in an item of a list',
    'route:\n  routes:\n    - x-omoi:\n        hold_for_remediation: 60s\n      receiver: web\n',
    'route:\n  routes:\n    - receiver: web\n',
  ],
  ['alone in an item', 'route:\n  routes:\n    - x-omoi: {}\n', 'route:\n  routes:\n    - {}\n'],
  [
    'alone below a key',
    'route:\n  routes:\n    -\n      x-omoi: { a: b }\n    - receiver: web\n',
    'route:\n  routes:\n    -\n      {}\n    - receiver: web\n',
  ],
  [
    'in braces: first, last, alone',
    'receivers: [{ x-omoi: { a: [b] }, name: web }, { name: a, "x-omoi": {} }, { x-omoi: {} }]\n',
    'receivers: [{ name: web }, { name: a }, {  }]\n',
  ],
  [
    'of an integration, with a block of text at its end',
    'receivers:\n  - name: web\n    webhook_configs:\n      - x-omoi:\n          signing_secret: |\n            a\n            b\n        url: c\n',
    'receivers:\n  - name: web\n    webhook_configs:\n      - url: c\n',
  ],
  ['last, without a line end', 'route: { receiver: a }\nx-omoi: {}', 'route: { receiver: a }\n'],
  ['with nothing in it', 'x-omoi:\nroute: { receiver: a }\n', 'route: { receiver: a }\n'],
  [
    'JSON',
    '{"route": {"receiver": "a", "x-omoi": {"escalation": "b"}}, "x-omoi": {"people": {}}}',
    '{"route": {"receiver": "a"}}',
  ],
  [
    'not what somebody else calls so',
    '# x-omoi\nroute: { match: { x-omoi: a } }\nreceivers:\n  - name: x-omoi\n    webhook_configs:\n      - payload: { x-omoi: 1 }\n',
    '# x-omoi\nroute: { match: { x-omoi: a } }\nreceivers:\n  - name: x-omoi\n    webhook_configs:\n      - payload: { x-omoi: 1 }\n',
  ],
])('%s', (_what, text, expected) => {
  expect(withoutOmoiKeys(text)).toBe(expected);
});

it.each([
  [
    'an alias repeats a part of it',
    'x-omoi: { fallback_receiver: &name web }\nroute: { receiver: *name }\n',
    { route: { receiver: 'web' } },
  ],
  [
    'it is written with a question mark',
    '? x-omoi\n: { people: {} }\n? route\n: { receiver: "1.10", group_by: [a] }\n',
    { route: { receiver: '1.10', group_by: ['a'] } },
  ],
])('is written anew where %s', (_what, text, expected) => {
  const kept = withoutOmoiKeys(text);
  expect(parse(kept, { schema: 'failsafe' })).toEqual(expected);
});

it('what is left is a configuration', async () => {
  const { shown } = await read(
    `route:
  receiver: team
  x-omoi: { escalation: page }
receivers:
  - name: team
    x-omoi:
      rate_limit: { messages: 20, per: 10m }
      on_call: infra
    webhook_configs:
      - { url: https://x/hush, x-omoi: { signing_secret: other-hush } } # was other-hush
x-omoi:
  people: { ann: { receiver: team } }
  on_call: { infra: { layers: [{ people: [ann], starts_on: 2026-11-30 }] } }
  escalation: { page: { steps: [{ after: 10m, severity: critical }] } }
`,
  );
  expect(shown).toBe(
    `route:
  receiver: team
receivers:
  - name: team
    webhook_configs:
      - { url: https://<secret> } # was <secret>
`,
  );
  expect((await read(shown)).shown).toBe(shown);
});
