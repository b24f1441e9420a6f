import { describe, expect, it } from 'vitest';
import { problemsIn, read, withRoute } from './reading.test-support.ts';

const FIVE = { episodes: 5, withinMs: 600_000 };

const WHOLE = `route:
  receiver: team
  x-omoi: { hold_for_remediation: 60s, escalation: page, flapping: { episodes: 5, within: 10m } }
  routes:
    - matchers: [ severity="critical" ]
      x-omoi: { hold_for_remediation: 0s, critical_bypasses_interval: true }
      routes: [{ x-omoi: { hold_critical: true, escalation: '', flapping: { episodes: 0 } } }]
receivers:
  - name: team
    x-omoi: { on_call: infra, rate_limit: { messages: 10, per: 1m } }
  - name: ada
time_intervals:
  - { name: office, time_intervals: [{ weekdays: ['monday:friday'] }] }
x-omoi:
  matchers: utf8-strict
  fallback_receiver: ada
  people: { ada: { receiver: ada } }
  on_call:
    infra:
      time_zone: Europe/Berlin
      layers:
        - { people: [ada], rotation: 12h, hand_over: '08:30', starts_on: 2026-11-30, during: office }
        - { people: [ada], starts_on: 2026-11-30 }
  escalation:
    page:
      steps: [{ after: 5m, receiver: ada }, { after: 15m, severity: critical }]
      repeats: 2
      during: office
  dead_mans_switch: { url: https://hc.example/x, every: 30s }
  allowed_commands: [/usr/local/bin/page]
  allowed_addresses: [169.254.169.254, 'fe80::/10', 10.0.0.0/8, metadata.internal]
`;

describe('what Omoi adds', () => {
  it('at the top', async () => {
    const { omoi } = await read(WHOLE);
    expect(omoi).toEqual({
      matcherMode: 'utf8-strict',
      fallbackReceiver: 'ada',
      people: new Map([['ada', { name: 'ada', receiver: 'ada' }]]),
      onCall: new Map([
        [
          'infra',
          {
            name: 'infra',
            timeZone: 'Europe/Berlin',
            layers: [
              {
                people: ['ada'],
                rotation: { everyMs: 43_200_000 },
                handOverMinute: 510,
                handOverWeekday: 1,
                startsOn: '2026-11-30',
                during: 'office',
              },
              {
                people: ['ada'],
                rotation: 'weekly',
                handOverMinute: 540,
                handOverWeekday: 1,
                startsOn: '2026-11-30',
                during: null,
              },
            ],
          },
        ],
      ]),
      escalations: new Map([
        [
          'page',
          {
            steps: [
              { afterMs: 300_000, receiver: 'ada', severity: null },
              { afterMs: 900_000, receiver: null, severity: 'critical' },
            ],
            repeats: 2,
            during: 'office',
          },
        ],
      ]),
      deadMansSwitch: { url: 'https://hc.example/x', everyMs: 30_000 },
      allowedCommands: ['/usr/local/bin/page'],
      allowedAddresses: ['169.254.169.254', 'fe80::/10', '10.0.0.0/8', 'metadata.internal'],
    });
  });

  it('to routes, which inherit it, and to receivers', async () => {
    const { route, receivers } = await read(WHOLE);
    const [critical] = route.routes;
    expect([route.omoi, critical?.omoi, critical?.routes[0]?.omoi]).toEqual([
      {
        holdForRemediationMs: 60_000,
        holdCritical: false,
        criticalBypassesInterval: false,
        escalation: 'page',
        flapping: FIVE,
      },
      {
        holdForRemediationMs: null,
        holdCritical: false,
        criticalBypassesInterval: true,
        escalation: 'page',
        flapping: FIVE,
      },
      {
        holdForRemediationMs: null,
        holdCritical: true,
        criticalBypassesInterval: true,
        escalation: null,
        flapping: null,
      },
    ]);
    expect(receivers.get('team')?.omoi).toEqual({
      onCall: 'infra',
      rateLimit: { messages: 10, perMs: 60_000 },
    });
    expect(receivers.get('ada')?.omoi).toEqual({ onCall: null, rateLimit: null });
  });

  it('is off where nothing is written', async () => {
    const { omoi, route } = await read(withRoute(''));
    expect(omoi).toEqual({
      matcherMode: 'fallback',
      fallbackReceiver: null,
      people: new Map(),
      onCall: new Map(),
      escalations: new Map(),
      deadMansSwitch: null,
      allowedCommands: [],
      allowedAddresses: [],
    });
    expect(route.omoi).toEqual({
      holdForRemediationMs: null,
      holdCritical: false,
      criticalBypassesInterval: false,
      escalation: null,
      flapping: null,
    });
  });
});

describe('what is refused of it', () => {
  it.each([
    ['x-omoi: { fallback: a }\n', 'unknown key "x-omoi.fallback"'],
    [
      'x-omoi: { fallback_receiver: teem }\n',
      'undefined receiver "teem" as fallback_receiver; did you mean "team"?',
    ],
    [
      '    sns_configs: [{ topic_arn: a }]\nx-omoi: { fallback_receiver: team }\n',
      'receiver "team" has sns_configs, which Omoi does not send to yet',
    ],
    ['x-omoi: { people: { ada: { receiver: ada } } }\n', 'undefined receiver "ada" that people names'],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [bob], starts_on: 2026-11-30 }] } } }\n',
      'undefined person "bob" on call; people are named under x-omoi.people',
    ],
    ['x-omoi: { on_call: { a: { layers: [] } } }\n', 'a schedule needs at least one layer'],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [], starts_on: 2026-11-30 }] } } }\n',
      'a layer needs at least one of `people`',
    ],
    [
      'x-omoi: { on_call: { a: { time_zone: Berlin, layers: [{ people: [b], starts_on: 2026-11-30 }] } } }\n',
      'unknown time zone Berlin; write one like Europe/Berlin',
    ],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [b], starts_on: 2026-02-30 }] } } }\n',
      'expected a day, like 2026-11-30',
    ],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [b], starts_on: 2026-11-30, rotation: monthly }] } } }\n',
      '"monthly" is no rotation; write daily, weekly, or 12h',
    ],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [b], starts_on: 2026-11-30, hand_over: 24:00 }] } } }\n',
      '"24:00" is no time of day; write 09:00',
    ],
    [
      'x-omoi: { on_call: { a: { layers: [{ people: [b], starts_on: 2026-11-30, hand_over_weekday: mon }] } } }\n',
      'mon is not a valid weekday',
    ],
    ['x-omoi: { escalation: { a: { steps: [] } } }\n', 'an escalation needs at least one step'],
    [
      'x-omoi: { escalation: { a: { steps: [{ after: 5m }] } } }\n',
      'a step needs a receiver, a severity, or both',
    ],
    [
      'x-omoi: { escalation: { a: { steps: [{ after: 5m, receiver: team }, { after: 5m, receiver: team }] } } }\n',
      'each step comes later than the one before it',
    ],
    [
      'x-omoi: { escalation: { a: { steps: [{ after: 5m, receiver: b }], during: c } } }\n',
      'undefined receiver "b" of an escalation',
      'undefined time interval "c"',
    ],
    [
      'x-omoi: { escalation: { a: { steps: [{ receiver: team }], repeats: 101 } } }\n',
      'expected a whole number up to 100',
    ],
    ['x-omoi: { dead_mans_switch: { every: 10s } }\n', 'dead_mans_switch needs a url'],
    ['x-omoi: { dead_mans_switch: { url: http://x, every: 10ms } }\n', 'every is at least 1s'],
    ['x-omoi: { allowed_commands: [page] }\n', 'a command is named by its absolute path'],
    ['x-omoi: { allowed_addresses: [10.0.0.0/33] }\n', 'expected a host, 169.254.169.254, or a network'],
    ['x-omoi: { allowed_addresses: ["http://x"] }\n', 'expected a host, 169.254.169.254, or a network'],
    [
      '    x-omoi: { command_configs: [{ command: /bin/b }] }\nx-omoi: { allowed_commands: [/bin/a] }\n',
      '/bin/b may not be started; name it in x-omoi.allowed_commands at the top of the configuration',
    ],
    ['    x-omoi: { on_call: infra }\n', 'undefined on-call schedule "infra"'],
    ['    x-omoi: { rate_limit: { messages: 5 } }\n', 'rate_limit needs per: in which time, like 1m'],
    ['    x-omoi: { rate_limit: { messages: 5, per: 13h } }\n', 'per is at most 12h'],
    ['    x-omoi: { webhook_configs: [] }\n', 'unknown key "receivers.0.x-omoi.webhook_configs"'],
  ])('%s', async (part, ...expected) => {
    const problems = await problemsIn(withRoute(part));
    expect(problems).toEqual(expected.map((text) => expect.stringContaining(text) as unknown));
  });

  it('and nothing else because of it: what is wrong somewhere has its name all the same', async () => {
    const text = `route: { receiver: team, x-omoi: { escalation: page } }
receivers: [{ name: team, labels: [], x-omoi: { on_call: infra } }]
x-omoi: { escalation: { page: { step: [] } }, on_call: { infra: {} } }
`;
    expect(
      (await problemsIn(text)).map((line) => line.replace(/^am\.yml:\d+:\d+: /, '').split(':')[0]),
    ).toEqual([
      '"receivers.0.labels"',
      '"x-omoi.escalation.page.steps"',
      'unknown key "x-omoi.escalation.page.step"; did you mean "steps"?',
      '"x-omoi.on_call.infra.layers"',
    ]);
  });

  it.each([
    ['{ within: 10m }', 'flapping needs episodes: how many, from 2'],
    ['{ episodes: 1, within: 10m }', 'flapping needs episodes: how many, from 2'],
    ['{ episodes: 5 }', 'flapping needs within: in which time, like 10m'],
  ])('of a route’s flapping: %s', async (flapping, problem) => {
    const text = `route: { receiver: a, x-omoi: { flapping: ${flapping} } }\nreceivers: [{ name: a }]\n`;
    expect(await problemsIn(text)).toEqual([expect.stringContaining(problem)]);
  });

  it('of a route', async () => {
    const text =
      'route: { receiver: a, x-omoi: { escalation: page, hold_for_remediation: long } }\nreceivers: [{ name: a }]\n';
    expect(await problemsIn(text)).toEqual([
      expect.stringContaining('"route.x-omoi.hold_for_remediation": "long" is no duration'),
    ]);
    expect(await problemsIn(text.replace(', hold_for_remediation: long', ''))).toEqual([
      'am.yml:1:33: "route.x-omoi.escalation": undefined escalation "page"',
    ]);
  });
});
