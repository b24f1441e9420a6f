import { describe, expect, it } from 'vitest';
import { defaultConfiguration } from './default-configuration.ts';
import { problemsIn, read, withRoute } from './reading.test-support.ts';

const RECEIVERS = `receivers:
  - name: team
  - name: other
`;

/** A tree below a root; the tree begins in line 3. */
function tree(routes: string): string {
  return `route:\n  receiver: team\n${routes}${RECEIVERS}`;
}

describe('what is refused', () => {
  it.each([
    ['an empty file', '', ['am.yml:1:1: no route provided in config; every configuration has a `route`']],
    ['no route', RECEIVERS, ['am.yml:1:1: no route provided in config; every configuration has a `route`']],
    [
      'a root without a receiver',
      'route:\n  group_wait: 1s\n',
      ['am.yml:1:1: "route": root route must specify a default receiver'],
    ],
    [
      'a root with matchers',
      tree('  matchers: [ a="b" ]\n'),
      ['am.yml:3:3: "route.matchers": root route must not have any matchers'],
    ],
    [
      'a root with old matchers',
      tree('  match: { a: b }\n'),
      ['am.yml:3:3: "route.match": root route must not have any matchers'],
    ],
    [
      'a root that continues',
      tree('  continue: true\n'),
      ['am.yml:3:3: "route.continue": cannot have continue in root route'],
    ],
    [
      'a root with time intervals',
      tree('  mute_time_intervals: [a]\n  active_time_intervals: [a]\n') + 'time_intervals: [{ name: a }]\n',
      [
        'am.yml:3:3: "route.mute_time_intervals": root route must not have any mute time intervals',
        'am.yml:4:3: "route.active_time_intervals": root route must not have any active time intervals',
      ],
    ],
    [
      'a receiver that there is not',
      tree('  routes: [ receiver: othre ]\n'),
      [
        'am.yml:3:13: "route.routes.0.receiver": undefined receiver "othre" used in route; did you mean "other"?',
      ],
    ],
    [
      'a time interval that there is not',
      tree('  routes:\n    - mute_time_intervals: [nights]\n      active_time_intervals: [days]\n'),
      [
        'am.yml:4:29: "route.routes.0.mute_time_intervals.0": undefined time interval "nights" used in route',
        'am.yml:5:31: "route.routes.0.active_time_intervals.0": undefined time interval "days" used in route',
      ],
    ],
    [
      'two receivers of a name',
      `route: { receiver: team }\nreceivers:\n  - name: team\n  - name: team\n`,
      ['am.yml:4:5: "receivers.1.name": notification config name "team" is not unique'],
    ],
    [
      'a receiver without a name',
      withRoute('  - sns_configs: []\n'),
      ['am.yml:5:5: "receivers.1": missing name in receiver'],
    ],
    [
      'a receiver whose label is another name',
      withRoute('    labels: { name: x }\n'),
      [
        'am.yml:5:15: "receivers.0.labels.name": receiver label "name" must match receiver name "team", got "x"',
      ],
    ],
    [
      'no interval between messages',
      tree('  group_interval: 0s\n  repeat_interval: 0\n'),
      [
        'am.yml:3:3: "route.group_interval": group_interval cannot be zero',
        'am.yml:4:3: "route.repeat_interval": repeat_interval cannot be zero',
      ],
    ],
    [
      'what is no duration',
      tree('  group_wait: 1.5s\n'),
      ['am.yml:3:3: "route.group_wait": "1.5s" is no duration; write 90s, 5m, 1h30m, 30d'],
    ],
    [
      'all labels and others',
      tree("  group_by: ['...', a]\n"),
      [
        'am.yml:3:3: "route.group_by": cannot have wildcard group_by (`...`) and other labels at the same time',
      ],
    ],
    [
      'a label twice',
      tree('  group_by: [a, b, a]\n'),
      ['am.yml:3:20: "route.group_by.2": duplicated label "a" in group_by'],
    ],
    [
      'a label without a name',
      tree("  group_by: ['']\n"),
      ['am.yml:3:14: "route.group_by.0": invalid label name "" in group_by list'],
    ],
    [
      'matchers that can’t be read',
      tree('  routes: [ matchers: [ a=="b" ] ]\n'),
      [expect.stringContaining('am.yml:3:25: "route.routes.0.matchers.0": ')],
    ],
    [
      'a regular expression that can’t be read',
      tree('  routes: [ match_re: { a: "(" } ]\n'),
      [expect.stringContaining('am.yml:3:25: "route.routes.0.match_re.a": ')],
    ],
    [
      'names in old matchers that only new ones may have',
      tree('  routes: [ match: { a.b: c } ]\n'),
      [
        'am.yml:3:22: "route.routes.0.match.a.b": invalid label name "a.b"; names like it are written in matchers',
      ],
    ],
    [
      'a key in a route below',
      tree('  routes:\n    - routes:\n        - recevier: team\n'),
      ['am.yml:5:11: unknown key "route.routes.0.routes.0.recevier"; did you mean "receiver"?'],
    ],
    [
      'a truth in quotes',
      tree('  routes: [ continue: "true" ]\n'),
      ['am.yml:3:13: "route.routes.0.continue": expected true or false'],
    ],
    [
      'a key at the top',
      withRoute('recievers: []\n'),
      ['am.yml:5:1: unknown key "recievers"; did you mean "receivers"?'],
    ],
    ['a key twice', 'route: {}\nroute: {}\n', ['am.yml:2:1: Map keys must be unique']],
    [
      'receiver_matchers, which belong to the API',
      tree('  receiver_matchers: [a=b]\n'),
      [expect.stringContaining('am.yml:3:3: unknown key "route.receiver_matchers"')],
    ],
    [
      'time intervals of one name, in both lists',
      withRoute(
        'time_intervals: [{ name: n }]\nmute_time_intervals: [{ name: n }, { time_intervals: [] }]\n',
      ),
      [
        'am.yml:5:20: "time_intervals.0.name": time interval "n" is not unique',
        'am.yml:6:36: "mute_time_intervals.1": missing name in mute time interval',
      ],
    ],
    [
      'an inhibit rule',
      withRoute('inhibit_rules:\n  - source_match_re: { a: }\n    target_matchers: [b]\n    equal: [""]\n'),
      [
        'am.yml:6:24: "inhibit_rules.0.source_match_re.a": invalid regexp value for "a"',
        expect.stringContaining('am.yml:7:23: "inhibit_rules.0.target_matchers.0": '),
        'am.yml:8:13: "inhibit_rules.0.equal.0": invalid label name "" in equal list',
      ],
    ],
    [
      'tracing without an endpoint',
      withRoute('tracing: { client_type: udp, compression: zip }\n'),
      ['am.yml:5:12: "tracing.client_type": expected http or grpc'],
    ],
    [
      'an event recorder',
      withRoute(
        'event_recorder:\n  webhook_outputs: [{ url: "http://x", batch_max_events: 5 }]\n  kafka_outputs: [{ topic: t, acks: some }]\n',
      ),
      [
        'am.yml:6:40: "event_recorder.webhook_outputs.0.batch_max_events": event_recorder webhook batch settings require batch: true',
        'am.yml:7:19: "event_recorder.kafka_outputs.0": event_recorder kafka: at least one broker is required',
        'am.yml:7:31: "event_recorder.kafka_outputs.0.acks": event_recorder kafka: unknown acks "some", must be one of none, leader, all',
      ],
    ],
    [
      'an integration that is empty',
      withRoute('    sns_configs: [null]\n'),
      ['am.yml:5:19: "receivers.0.sns_configs.0": missing sns config'],
    ],
    [
      'a template in a field',
      withRoute('    sns_configs: [{ topic_arn: a, subject: "{{ x" }]\n'),
      ['am.yml:5:35: "receivers.0.sns_configs.0.subject": template: text:1:1: unclosed action'],
    ],
    [
      'a template in a route label',
      tree('  labels: { a: "{{" }\n  routes: [{}]\n'),
      ['am.yml:3:13: "route.labels.a": template: text:1:1: unclosed action'],
    ],
    [
      'the command of Omoi outside x-omoi',
      withRoute('    command_configs: []\n'),
      [expect.stringContaining('am.yml:5:5: unknown key "receivers.0.command_configs"')],
    ],
  ])('%s', async (_what, text, expected) => {
    expect(await problemsIn(text)).toEqual(expected);
  });

  it('all of it at once, in the order of the lines', async () => {
    const text = `global: { resolve_timeout: soon }
route:
  receiver: nobody
  routes:
    - matcher: [a=b]
      routes: [{ receiver: nowhere }]
receivers:
  - name: team
    sns_configs: [{ topik_arn: x }]
inhibit_rules: [{ equals: [a] }]
`;
    expect((await problemsIn(text)).map((line) => line.split(': ')[0])).toEqual([
      'am.yml:1:11',
      'am.yml:3:3',
      'am.yml:5:7',
      'am.yml:6:18',
      'am.yml:9:19',
      'am.yml:9:21',
      'am.yml:10:19',
    ]);
  });
});

describe('what is read', () => {
  it('a tree, with what is inherited', async () => {
    const { route } = await read(
      tree(`  group_by: [b, a]
  group_wait: 1m
  labels: { team: infra, tier: '1' }
  routes:
    - matchers: [ severity=~"warning|critical", 'team = web' ]
      match: { zone: eu }
      receiver: other
      group_by: [...]
      continue: yes
      labels: { tier: '2' }
      mute_time_intervals: [nights]
      routes: [{ group_by: [], repeat_interval: 1d }]
`) + 'time_intervals: [{ name: nights }]\n',
    );
    const [web] = route.routes;
    const [below] = web?.routes ?? [];
    expect(route).toMatchObject({
      id: '{}',
      key: '{}',
      receiver: 'team',
      groupBy: ['a', 'b'],
      groupWaitMs: 60_000,
      groupIntervalMs: 300_000,
      repeatIntervalMs: 14_400_000,
      continues: false,
    });
    const key = '{}/{severity=~"warning|critical",team="web",zone="eu"}';
    expect(web).toMatchObject({
      id: `${key}/0`,
      key,
      receiver: 'other',
      groupBy: 'all',
      groupWaitMs: 60_000,
      continues: true,
      labels: { team: 'infra', tier: '2' },
      muteTimeIntervals: ['nights'],
    });
    expect(below).toMatchObject({
      id: `${key}/0/{}/0`,
      key: `${key}/{}`,
      receiver: 'other',
      groupBy: [],
      repeatIntervalMs: 86_400_000,
      muteTimeIntervals: [],
      labels: { team: 'infra', tier: '2' },
    });
  });

  it('null as a key that is not written', async () => {
    const { route } = await read(
      'route:\n  receiver: a\n  group_by:\n  match: ~\n  routes: null\nglobal:\nreceivers: [name: a]\n',
    );
    expect(route).toMatchObject({ groupBy: [], routes: [] });
  });

  it('numbers and truths as texts where a text is wanted', async () => {
    const { receivers, route } = await read(
      'route: { receiver: 1.10, labels: { continue: true, code: 0x10 } }\nreceivers: [{ name: 1.10, labels: { on: no } }]\n',
    );
    expect(receivers.get('1.10')?.labels).toEqual({ on: 'no', name: '1.10' });
    expect(route.labels).toEqual({ continue: 'true', code: '0x10' });
  });

  it('anchors, aliases and merge keys', async () => {
    const { route } = await read(`route:
  receiver: &who team
  routes:
    - &base { matchers: [a=b], continue: true, group_wait: 5s }
    - { <<: *base, group_wait: 6s, receiver: *who }
receivers: [name: *who]
`);
    expect(route.routes.map(({ continues, groupWaitMs }) => [continues, groupWaitMs])).toEqual([
      [true, 5_000],
      [true, 6_000],
    ]);
  });

  it('inhibit rules in each way to write them', async () => {
    const { inhibitRules } = await read(
      withRoute(`inhibit_rules:
  - name: cluster
    source_matchers: [ 'severity="critical"' ]
    source_match_re: { zone: eu.* }
    target_match: { severity: warning }
    equal: [cluster]
`),
    );
    expect(inhibitRules).toMatchObject([
      {
        name: 'cluster',
        sources: [
          {
            matchers: [
              { name: 'severity', operator: '=', value: 'critical' },
              { name: 'zone', operator: '=~', value: 'eu.*' },
            ],
            equal: ['cluster'],
          },
        ],
        targetMatchers: [{ name: 'severity', operator: '=', value: 'warning' }],
        equal: ['cluster'],
      },
    ]);
  });

  it('what is global, with defaults', async () => {
    const { global } = await read(
      withRoute(`global:
  smtp_smarthost: 'mail.example.org:587'
  smtp_require_tls: off
  slack_api_url: <secret>
  opsgenie_api_key_file: key
  http_config: { basic_auth: { username: u, password_file: p }, tls_config: { ca_file: /ca } }
`),
    );
    expect(global).toMatchObject({
      resolve_timeout_ms: 300_000,
      smtp_smarthost: { host: 'mail.example.org', port: '587' },
      smtp_require_tls: false,
      smtp_hello: 'localhost',
      slack_api_url: '<secret>',
      slack_app_url: 'https://slack.com/api/chat.postMessage',
      opsgenie_api_key_file: '/etc/alertmanager/key',
      http_config: {
        basic_auth: { username: 'u', password_file: '/etc/alertmanager/p' },
        tls_config: { ca_file: '/ca', insecure_skip_verify: false },
        follow_redirects: true,
      },
    });
  });

  it('files of templates by their patterns', async () => {
    const folders: Readonly<Record<string, readonly string[]>> = {
      '/': ['etc'],
      '/etc': ['alertmanager'],
      '/etc/alertmanager': ['a.tmpl', 'b.tmpl', 'c.txt'],
    };
    const files = {
      list: (folder: string) => Promise.resolve(folders[folder] ?? []),
      read: (path: string) =>
        Promise.resolve(path.endsWith('b.tmpl') ? '{{ define "b" }}' : '{{ define "a" }}a{{ end }}'),
    };
    expect(await problemsIn(withRoute("templates: ['*.tmpl', '/nowhere/*']\n"), { files })).toEqual([
      expect.stringMatching(/^am\.yml:5:1: "templates": template: \/etc\/alertmanager\/b\.tmpl:1:\d+: /),
    ]);
    expect(
      await problemsIn(
        withRoute(`templates: [a.tmpl]\n`).replace(
          '- name: team',
          '- name: team\n    sns_configs: [{ topic_arn: x, subject: \'{{ template "a" . }}\' }]',
        ),
        { files },
      ),
    ).toEqual([]);
  });

  it('warnings of what is not used, not built, and of matchers that should be written otherwise', async () => {
    const { warnings } = await read(
      tree('  routes: [ matchers: [ "foo=bar baz" ] ]\n') +
        '    sns_configs: [ topic_arn: a ]\ntracing: { endpoint: x }\n',
    );
    expect(warnings.map((line) => line.split(': ')[0])).toEqual(['am.yml:3:25', 'am.yml:7:20', 'am.yml:8:1']);
  });

  it('a warning of a rate limit that an integration cannot follow', async () => {
    const { warnings } = await read(
      tree('') +
        '    pagerduty_configs: [ routing_key: a ]\n    webhook_configs: [ url: http://x ]\n' +
        '    x-omoi: { rate_limit: { messages: 5, per: 1m } }\n',
    );
    expect(warnings).toEqual([
      'am.yml:8:15: rate_limit does not limit pagerduty_configs: each group is an incident there, which a digest could not close',
    ]);
  });

  it('no file at all: one receiver without integrations', async () => {
    const { route, receivers, warnings } = await defaultConfiguration();
    expect(route.receiver).toBe('dashboard');
    expect(receivers.get('dashboard')?.integrations).toEqual([]);
    expect(warnings).toEqual([]);
  });
});

describe('how matchers are read', () => {
  const text = (mode: string): string =>
    tree('  routes: [ matchers: [ "foo=bar baz" ], group_by: ["a b"] ]\n') +
    `x-omoi: { matchers: ${mode} }\n`;

  it.each([
    ['fallback', []],
    ['utf8-strict', [expect.stringContaining('"route.routes.0.matchers.0"')]],
    ['classic', [expect.stringContaining('invalid label name "a b" in group_by list')]],
    [
      'newest',
      [expect.stringContaining('"x-omoi.matchers": expected one of fallback, utf8-strict, classic')],
    ],
  ])('%s', async (mode, expected) => {
    const problems = await problemsIn(text(mode));
    expect(problems.filter((line) => !line.includes('group_by') || mode === 'classic')).toEqual(expected);
  });
});
