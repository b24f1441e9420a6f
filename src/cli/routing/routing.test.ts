import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkRouting } from './check.ts';
import { showRouting } from './show.ts';
import { testRouting } from './test.ts';

const TEXT = `global:
  slack_api_url: https://hooks.example/T0/B0/hush
route:
  receiver: team
  group_by: [alertname, zone]
  routes:
    - { receiver: all, matchers: [ severity="critical" ], continue: true, group_by: [...] }
    - receiver: db
      matchers: [ service=~"mysql|postgres" ]
      group_wait: 5s
      routes:
        - { receiver: eu, matchers: [ zone=~"eu-.*" ], active_time_intervals: [office] }
receivers:
  - { name: team, slack_configs: [{ channel: c }] }
  - { name: all, sns_configs: [{ topic_arn: a }] }
  - { name: db }
  - { name: eu }
time_intervals: [{ name: office }]
templates: ['*.tmpl']
`;

let directory: string;
let out: string[];
let said: string[];
let server: Server;
let url: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-routing-'));
  writeFileSync(join(directory, 'am.yml'), TEXT);
  writeFileSync(join(directory, 'own.tmpl'), '{{ define "own" }}x{{ end }}');
  // As the two are answered, in what is read of them.
  const added = { hold_for_remediation_ms: 60_000, escalation: null };
  const answers: Readonly<Record<string, unknown>> = {
    '/alertmanager/api/v2/status': { config: { original: TEXT.replace(/https:\S+/, '<secret>') } },
    '/api/v1/alerts/routing': {
      routes: [
        { route_id: '{}', hold_for_remediation_ms: null, escalation: null },
        { route_id: '{}/{severity="critical"}/0', ...added, escalation: 'page' },
        { route_id: '{}/{service=~"mysql|postgres"}/0', ...added },
        { route_id: '{}/{service=~"mysql|postgres"}/0/{zone=~"eu-.*"}/0', ...added },
      ],
    },
  };
  server = createServer((request, response) => {
    const answer = answers[request.url ?? ''];
    if (answer === undefined) response.statusCode = 404;
    response.end(JSON.stringify(answer ?? {}));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port');
  url = `http://127.0.0.1:${address.port}`;
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

beforeEach(() => {
  out = [];
  said = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

const file = (name = 'am.yml'): string => join(directory, name);
const lines = (): readonly string[] => out.join('').trimEnd().split('\n');

describe('omoi routing check', () => {
  it('counts what a good file has, and warns', async () => {
    expect(await checkRouting([file()], {})).toBe(0);
    expect(lines()).toEqual([
      `${file()}: good: 4 routes, 4 receivers, 0 inhibit rules, 1 time interval`,
      `  warning: ${file()}:15:32: Omoi does not send to sns yet`,
    ]);
  });

  it('names every mistake of every file', async () => {
    writeFileSync(
      file('bad.yml'),
      TEXT.replace('receiver: db', 'reciever: db').replace('[office]', '[offic]'),
    );
    writeFileSync(file('worse.yml'), 'route: [');
    expect(await checkRouting([file('bad.yml'), file('worse.yml'), file('gone.yml')], {})).toBe(1);
    expect(lines()).toEqual([
      `${file('bad.yml')}: refused`,
      `  ${file('bad.yml')}:8:7: unknown key "route.routes.1.reciever"; did you mean "receiver"?`,
      `  ${file('bad.yml')}:12:80: "route.routes.1.routes.0.active_time_intervals.0": undefined time interval "offic" used in route; did you mean "office"?`,
      `${file('worse.yml')}: refused`,
      expect.stringContaining(`  ${file('worse.yml')}:1:9: `),
      `${file('gone.yml')}: refused`,
      expect.stringMatching(/^ {2}\S+gone\.yml: ENOENT: no such file/),
    ]);
  });

  it('reads templates, and the fields that call them', async () => {
    const field = (name: string): string =>
      TEXT.replace('channel: c', `channel: c, text: '{{ template "${name}" . }}'`);
    writeFileSync(file('calls.yml'), field('own'));
    writeFileSync(file('miscalls.yml'), field('won'));
    expect(await checkRouting([file('calls.yml')], {})).toBe(0);
    expect(await checkRouting([file('miscalls.yml')], {})).toBe(1);
    expect(out.join('')).toContain('"receivers.0.slack_configs.0.text": ');
  });

  it('as JSON', async () => {
    expect(await checkRouting([file(), file('bad.yml')], { json: true })).toBe(1);
    expect(JSON.parse(out.join(''))).toEqual({
      files: [
        {
          file: file(),
          ok: true,
          routes: 4,
          receivers: 4,
          inhibit_rules: 0,
          time_intervals: 1,
          warnings: [`${file()}:15:32: Omoi does not send to sns yet`],
        },
        {
          file: file('bad.yml'),
          ok: false,
          problem_count: 2,
          problems: [
            expect.objectContaining({ line: 8, column: 7 }),
            expect.objectContaining({ line: 12, column: 80 }),
          ],
        },
      ],
    });
  });
});

const TREE = [
  'every alert  → team  by alertname, zone  after 30s, every 5m, again in 4h',
  '├── severity="critical"  → all  and continues  each alert by itself',
  '└── service=~"mysql|postgres"  → db  after 5s, every 5m, again in 4h',
  '    └── zone=~"eu-.*"  → eu  active in office',
];

describe('omoi routing show', () => {
  it('prints the tree of a file', async () => {
    await showRouting({ file: file() });
    expect(lines()).toEqual(TREE);
    expect(said.join('')).toContain('Omoi does not send to sns yet');
  });

  it('prints the tree of the server with what Omoi adds to it; its secrets and templates are not here', async () => {
    await showRouting({ url });
    const held = 'held 1m for a repair';
    expect(lines()).toEqual([
      TREE[0],
      `${TREE[1]}  ${held}  escalates by page`,
      `${TREE[2]}  ${held}`,
      TREE[3],
    ]);
    // It has nothing but what the server has loaded, which has warned of it: `<secret>` is no mistake of whoever asks.
    expect(said.join('')).not.toContain('secret');
    expect(said.join('')).toContain('Omoi does not send to sns yet');
  });

  it('as JSON, with what is inherited', async () => {
    await showRouting({ file: file(), json: true });
    const { route, receivers } = JSON.parse(out.join('')) as {
      route: { routes: unknown[] };
      receivers: string[];
    };
    expect(receivers).toEqual(['team', 'all', 'db', 'eu']);
    expect(route.routes[0]).toMatchObject({
      id: '{}/{severity="critical"}/0',
      receiver: 'all',
      matchers: ['severity="critical"'],
      continue: true,
      group_by: ['...'],
      group_wait: '30s',
      hold_for_remediation: null,
      escalation: null,
    });
    expect(out.join('')).not.toContain('hush');
  });
});

describe('omoi routing test', () => {
  it('says to whom an alert goes, and in which group', async () => {
    expect(await testRouting(['service=mysql', 'zone=us', 'severity="critical"'], { file: file() })).toBe(0);
    expect(lines()).toEqual([
      'RECEIVER  GROUP',
      'all       {}/{severity="critical"}:{service="mysql", severity="critical", zone="us"}',
      'db        {}/{service=~"mysql|postgres"}:{zone="us"}',
    ]);
  });

  it('shows the way there, with the reasons', async () => {
    await testRouting(['service=mysql', 'zone=us'], { url, tree: true });
    expect(lines().slice(0, 4)).toEqual([
      'every alert  passes it on',
      '├── severity="critical"  no: severity="critical", and it is ""',
      '└── service=~"mysql|postgres"  → db',
      '    └── zone=~"eu-.*"  no: zone=~"eu-.*", and it is "us"',
    ]);
  });

  it('fails where it goes to others than it should', async () => {
    expect(await testRouting(['severity=critical'], { file: file(), verify: 'all' })).toBe(0);
    expect(await testRouting(['severity=info'], { file: file(), verify: 'all', json: true })).toBe(1);
    expect(said.join('')).toBe('omoi: it goes to team, not to all\n');
    expect(JSON.parse(out.at(-1) ?? '')).toMatchObject({ receivers: ['team'], verified: false });
  });

  it.each(['severity', 'severity!=critical', '{a=b}'])('%s is no label', async (label) => {
    await expect(testRouting([label], { file: file() })).rejects.toMatchObject({ code: 'invalid_request' });
  });
});
