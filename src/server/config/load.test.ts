import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { OmoiError } from '#telemetry';
import { loadConfig } from './load.ts';

const directory = mkdtempSync(join(tmpdir(), 'omoi-config-'));
afterAll(() => rmSync(directory, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function load(text: string, environment: Record<string, string> = {}) {
  return loadConfig({ file: written('omoi.yaml', text), environment });
}

function refusal(text: string, environment: Record<string, string> = {}): string {
  try {
    load(text, environment);
  } catch (thrown) {
    if (thrown instanceof OmoiError) return thrown.message;
    throw thrown;
  }
  return 'accepted';
}

describe('the configuration', () => {
  it('has a default for every key', () => {
    const config = load('');
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 4600 });
    expect(config.retention.spans).toBe(7 * 86_400_000);
    expect(config.access.open_ingest_on_loopback).toBe(true);
  });

  it.each([
    ['http:\n  prot: 1\n', /omoi\.yaml:2:3: unknown key "http\.prot"; did you mean "port"\?/],
    ['http:\n  port: 70000\n', /omoi\.yaml:2:3: "http\.port": Too big/],
    [
      'alerting:\n  groups:\n    __proto__: {}\n',
      /omoi\.yaml:3:5: "alerting\.groups\.__proto__": no such name/,
    ],
    [
      'alerting:\n  external_labels:\n    __proto__: a\n',
      /"alerting\.external_labels\.__proto__": no such name/,
    ],
    [
      'fleet:\n  pools:\n    - { id: p, command: [work], phase_id: in review }\n',
      /omoi\.yaml:3:\d+: "fleet\.pools\.0\.phase_id": must begin with a letter or digit/,
    ],
    ['retention:\n  events: soon\n', /"soon" is no duration; write 90s/],
    [
      'alerting:\n  disable: [TaskStuck, AgentFaild]\n',
      /omoi\.yaml:2:24: "alerting\.disable\.1": Omoi ships no rule "AgentFaild"; did you mean "AgentFailed"\?/,
    ],
    [
      `alerting: { disable: [${'AgentFailed, '.repeat(1001)}] }\n`,
      /"alerting\.disable": 1001 names are more than 1000; "\*" switches every shipped rule off/,
    ],
    [
      'watchdog: { disable: [mine] }\n',
      /"watchdog\.disable\.0": Omoi ships no policy "mine"; there are restart_failed_agent, /,
    ],
    ['database: { url: a, url_file: b }\n', /give database\.url or database\.url_file, not both/],
    ['database: { url_file: /nowhere }\n', /database\.url_file: ENOENT/],
    [
      `fleet: {pools: [${Array.from({ length: 21 }, (_, at) => `{id: p${at}, command: [a], desired: 0, max: 1000}`).join(', ')}]}\n`,
      /"fleet\.pools": by their max all pools may have 21000 agents together; a fleet has at most 20000/,
    ],
    [
      'fleet:\n  pools:\n    - { id: p, command: [a], desired: 1, max: 1 }\n    - { id: p, command: [b], desired: 1, max: 1 }\n',
      /omoi\.yaml:4:9: "fleet\.pools\.1\.id": fleet\.pools\.0 is called "p", too; give each pool an id of its own/,
    ],
    [
      'fleet: { pools: [{ id: p, command: [a], desired: 3, min: 5, max: 2 }] }\n',
      /omoi\.yaml:1:41: "fleet\.pools\.0\.desired": min 5 ≤ desired 3 ≤ max 2 does not hold/,
    ],
    [
      'fleet: { pools: [{ id: p, command: [a], desired: 1, max: 1, runtime: proces }] }\n',
      /omoi\.yaml:1:\d+: "fleet\.pools\.0\.runtime": "proces" is unknown; did you mean "process"\?/,
    ],
    [
      'fleet: { pools: [{ id: p, command: [a], desired: 1, max: 1, runtime: nope }] }\n',
      /"fleet\.pools\.0\.runtime": "nope" is unknown; known are process/,
    ],
    ...[
      'omoi.example.com',
      'ftp://omoi',
      'http://',
      'http://omoi?a=1',
      'http://ann:secret@omoi',
      '/omoi',
    ].map((url): [string, RegExp] => [
      `alerting: { external_url: '${url}' }\n`,
      /omoi\.yaml:1:\d+: "alerting\.external_url": this is no address like https:\/\/omoi\.example\.com/,
    ]),
    ['alerting: { external_url: https://example.com/omoi/ }\n', /^accepted$/],
    [
      'fleet: { pools: [{ id: p, command: ["", a], desired: 1, max: 2 }] }\n',
      /"fleet\.pools\.0\.command\.0": name the program/,
    ],
  ])('refuses %j', (text, message) => {
    expect(refusal(text)).toMatch(message);
  });

  it('that is a directory, as a container makes one of a missing file, is said so', () => {
    expect(() => loadConfig({ file: directory, environment: {} })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `${directory}: that is a directory; name the configuration file in it, or mount a file that exists`,
      }),
    );
  });

  it('takes every key from the environment, over the file', () => {
    const config = load('http:\n  port: 1\n', {
      OMOI_HTTP_PORT: '2',
      OMOI_HTTP_ALLOWED_HOSTS: '[a.example, b.example]',
      OMOI_RETENTION_EVENTS: '5d',
      OMOI_DATABASE_URL: 'postgres://u@h/d',
      OMOI_WATCHDOG_MODE: 'act',
    });
    expect(config.http.port).toBe(2);
    expect(config.http.allowed_hosts).toEqual(['a.example', 'b.example']);
    expect(config.retention.events).toBe(5 * 86_400_000);
    expect(config.database.url).toBe('postgres://u@h/d');
    expect(config.watchdog.mode).toBe('act');
  });

  it('switches what is shipped off by name, or all of it', () => {
    const config = load('alerting: { disable: [AgentFailed] }\n', { OMOI_WATCHDOG_DISABLE: "['*']" });
    expect([config.alerting.disable, config.watchdog.disable]).toEqual([['AgentFailed'], ['*']]);
  });

  it('names the variable when an override is wrong', () => {
    expect(refusal('', { OMOI_HTTP_PORT: 'many' })).toMatch(/with OMOI_HTTP_PORT.*"http\.port"/s);
  });

  it.each([
    ['an empty host, which would be every address', "http: { host: '' }", /"http.host": must not be empty/],
    [
      'an empty directory, which would be the working one',
      "data_directory: ' '",
      /"data_directory": must not be empty/,
    ],
    ['an empty file', "notification: { config_file: '' }", /"notification.config_file": must not be empty/],
    ['a file without a name', "alerting: { rule_files: [''] }", /"alerting.rule_files.0": must not be empty/],
    ['another database', "database: { url: 'mysql://omoi:s3cret@db/omoi' }", /database.url: .*postgres:\/\//],
    ['no address', 'database: { url: db }', /database.url: .*postgres:\/\//],
    [
      'no address, with a password',
      'database: { url: db, password: s3cret }',
      /database.url: .*postgres:\/\//,
    ],
  ])('refuses %s', (_, text, message) => {
    const refused = refusal(text);
    expect(refused).toMatch(message);
    expect(refused).not.toContain('s3cret');
  });

  it('refuses a blank variable, and an address in a file that is none', () => {
    expect(refusal('', { OMOI_HTTP_HOST: ' ' })).toMatch(/"http.host": must not be empty/);
    const file = written('url', 'db\n');
    const refused = refusal(`database: { url_file: ${file}, password: s3cret }`);
    expect(refused).toMatch(/database.url_file: .*postgres:\/\//);
  });

  it('reads secrets from files', () => {
    const passwordFile = written('password', 'p@ss/word\n');
    const config = load(`database: { url: "postgres://u@h/d", password_file: "${passwordFile}" }\n`);
    expect(config.database.url).toBe('postgres://u:p%40ss%2Fword@h/d');
  });

  it('refuses a file that does not exist', () => {
    expect(() => loadConfig({ file: '/nowhere/omoi.yaml', environment: {} })).toThrow(
      /there is no such file/,
    );
  });
});
