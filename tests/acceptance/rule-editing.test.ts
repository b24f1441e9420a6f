import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const data = dataDirectory();
const files = join(data.path, 'files');
const rules = join(files, 'real.yaml');
const other = join(files, 'other.yaml');
const RULES = `# The house.
groups:
  - name: house
    interval: 1s
    rules:
      - alert: There   # always
        expr: vector(5) > 4
        labels: { severity: warning }
      - &shared
        alert: Shared
        expr: vector(1) > 2
      - *shared
`;
let server: OmoiServer;
let admin: Client;

interface Source {
  readonly source: string;
  readonly file: string;
  readonly line: number;
  readonly file_hash: string;
  readonly why_not_writable: string | null;
}
interface Preview {
  readonly episodes: readonly { readonly fired_at: string | null; readonly annotations: object }[];
  readonly failure: object | null;
}

const pathOf = (key: string): string => `/api/v1/alerts/rules/${encodeURIComponent(key)}/source`;
const read = (key: string) => admin.read<Source>(pathOf(key));
const save = (key: string, body: object) => admin.call(pathOf(key), { method: 'PUT', body });

beforeAll(async () => {
  mkdirSync(files, { recursive: true });
  writeFileSync(rules, RULES);
  chmodSync(rules, 0o640);
  writeFileSync(other, 'groups: []\n');
  symlinkSync('real.yaml', join(files, 'linked.yaml'));
  server = await OmoiServer.start(data.path, {
    env: {
      OMOI_RELOAD_ON_CHANGE: 'false',
      OMOI_ALERTING_RULE_FILES: JSON.stringify([join(files, 'linked.yaml'), other]),
    },
  });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop();
  data.remove();
});

describe('a rule as it is written', () => {
  it('is read from its file, without what it is indented by', async () => {
    expect(await read('house/There')).toMatchObject({
      source: 'alert: There   # always\nexpr: vector(5) > 4\nlabels: { severity: warning }\n',
      file: join(files, 'linked.yaml'),
      line: 6,
      why_not_writable: null,
    });
    expect((await read('fleet/AgentFailed')).why_not_writable).toMatch(/^Omoi ships it/);
    expect((await admin.call(pathOf('nobody'))).status).toBe(404);
  });

  it('is checked where it would stand, with line and column', async () => {
    const check = (source: string) =>
      admin.read<{ problems: object[] }>('/api/v1/alerts/rules/check', {
        method: 'POST',
        body: { source, rule_key: 'house/There' },
      });
    expect(await check('alert: There\nexpr: up ==\n')).toMatchObject({ problems: [{ line: 2, column: 1 }] });
    expect(await check('alert: There\nexpr: up\n')).toEqual({ problems: [] });
  });

  it('has a preview over stored samples, beside what it does now', async () => {
    await until(async () => {
      const { alerts } = await admin.read<{ alerts: object[] }>('/api/v1/alerts?state=firing');
      return alerts.length > 0;
    }, 'the rule fires');
    const source = 'alert: There\nexpr: vector(5) > 9\n';
    const asked = { method: 'POST', body: { source, rule_key: 'house/There' } } as const;
    const found = await admin.read<{ after: Preview; before: Preview }>(
      '/api/v1/alerts/rules/preview',
      asked,
    );
    expect(found.after).toMatchObject({ episodes: [], failure: null });
    expect(found.before.episodes.map(({ fired_at: at }) => at !== null)).toEqual([true]);
    const broken = await admin.call('/api/v1/alerts/rules/preview', {
      method: 'POST',
      body: { source: 'alert: A' },
    });
    expect([broken.status, broken.body]).toMatchObject([400, { error: 'rule_file_invalid' }]);
  });

  it('is saved in its place, and in force at once', async () => {
    const { file_hash: hash } = await read('house/There');
    const source =
      'alert: There\nexpr: vector(5) > 4\nlabels:\n  severity: critical\nannotations:\n  summary: |\n    two\n      lines\n';
    const saved = await save('house/There', { source, file_hash: hash });
    expect([saved.status, saved.body]).toMatchObject([200, { changed: 1 }]);
    expect(readFileSync(rules, 'utf8')).toBe(
      RULES.replace(
        'alert: There   # always\n        expr: vector(5) > 4\n        labels: { severity: warning }\n',
        source.replaceAll(/\n(?=.)/g, '\n        '),
      ),
    );
    expect(statSync(rules).mode & 0o777).toBe(0o640);
    expect((await read('house/There')).source).toBe(source);
    const again = await save('house/There', { source, file_hash: hash });
    expect([again.status, again.body]).toMatchObject([409, { error: 'rule_file_changed' }]);
  });

  it.each([
    ['broken', 'house/There', 'alert: There\nexpr: up ==\n', 400, 'rule_file_invalid'],
    [
      'two rules',
      'house/There',
      'alert: There\nexpr: up\n- alert: More\n  expr: up\n',
      400,
      'rule_file_invalid',
    ],
    [
      'one whose anchor another has',
      'house/Shared',
      'alert: Shared\nexpr: vector(1) > 3\n',
      409,
      'rule_not_writable',
    ],
    ['one that Omoi ships', 'fleet/AgentFailed', 'alert: AgentFailed\nexpr: up\n', 409, 'rule_not_writable'],
  ])('is not saved, and nothing changes: %s', async (_what, key, source, status, error) => {
    const before = readFileSync(rules, 'utf8');
    const { file_hash: hash } = await read(key);
    const answer = await save(key, { source, file_hash: hash });
    expect([answer.status, answer.body]).toMatchObject([status, { error }]);
    expect(readFileSync(rules, 'utf8')).toBe(before);
  });

  it('is put back where the files are not taken over, because another one is broken', async () => {
    const before = readFileSync(rules, 'utf8');
    const { source, file_hash: hash } = await read('house/There');
    writeFileSync(other, 'groups: [');
    const answer = await save('house/There', {
      source: source.replace('critical', 'error'),
      file_hash: hash,
    });
    expect([answer.status, answer.body]).toMatchObject([400, { error: 'rule_file_invalid' }]);
    expect(readFileSync(rules, 'utf8')).toBe(before);
    expect((await read('house/There')).why_not_writable).toBeNull();
  });

  it('is saved by an admin alone, and read by whoever may read', async () => {
    const made = await omoi(['token', '--data-directory', data.path, 'create', 'eyes', '--role', 'viewer']);
    const viewer = admin.as(made.stdout.trim());
    expect((await viewer.call(pathOf('house/There'))).status).toBe(200);
    expect((await viewer.call(pathOf('house/There'), { method: 'PUT', body: {} })).status).toBe(403);
  });
});
