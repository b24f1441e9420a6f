import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { check, type CheckFlags } from './check.ts';

let folder: string;
let out: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-check-'));
  out = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const path = (name: string): string => join(folder, name);

/** A rule and a policy that are as they should be. */
const RULES = `groups: [{ name: g, rules: [{ alert: Silent, expr: up == 0 }] }]`;
const POLICY = `name: restart_silent
description: Starts what is silent anew.
match: ['alertname="Silent"']
target: { kind: agent }
steps: [{ action: restart, verify: { within: 30s, healthy_for: 5s } }]
guards: { cooldown: 30s, repair_burst: 2 }
relapse_window: 5m
`;

/** Checks a configuration of these lines. @returns the exit status, and the lines that were printed but for warnings */
async function checked(lines: readonly string[], flags: CheckFlags = {}) {
  const config = path('omoi.yaml');
  writeFileSync(config, `${lines.join('\n')}\n`);
  writeFileSync(path('rules.yaml'), RULES);
  writeFileSync(path('policy.yaml'), POLICY);
  const status = await check([], { config, ...flags });
  const printed = out.join('').split('\n').slice(0, -1);
  return { status, printed: printed.filter((line) => !line.startsWith('warning ')) };
}

const DIRECTORY = () => `data_directory: ${path('data')}`;
const CHANGED = () => [
  DIRECTORY(),
  `alerting: { rule_files: [${path('rules.yaml')}] }`,
  `watchdog: { policy_files: [${path('policy.yaml')}] }`,
];
const SETTLED = () => CHANGED().map((line) => line.replace('] }', '], disable: [] }'));

describe('what an upgrade has changed', () => {
  it('is counted, with the way to see it', async () => {
    const { status, printed } = await checked(CHANGED());
    expect(status).toBe(0);
    expect(printed).toContain(
      'after an upgrade: 2 lines meant something else in earlier builds (omoi check --upgrade)',
    );
    expect(printed.join('\n')).not.toContain('used to replace');
  });

  it('is counted in the singular where it is one line', async () => {
    const { printed } = await checked(CHANGED().slice(0, 2));
    expect(printed).toContain(
      'after an upgrade: 1 line meant something else in earlier builds (omoi check --upgrade)',
    );
  });

  it('is named with its line where somebody asks, behind what is wrong', async () => {
    const { status, printed } = await checked(CHANGED(), { upgrade: true });
    expect(status).toBe(0);
    const at = printed.indexOf('meant something else in earlier builds:');
    expect(at).toBeGreaterThan(0);
    expect(printed.slice(at - 1)).toEqual([
      '',
      'meant something else in earlier builds:',
      expect.stringMatching(
        /^notice {2}\S+omoi\.yaml:2 alerting\.rule_files: used to replace the shipped rules/,
      ),
      expect.stringMatching(
        /^notice {2}\S+omoi\.yaml:3 watchdog\.policy_files: used to replace the shipped policies/,
      ),
    ]);
    expect(printed.join('\n')).not.toContain('after an upgrade');
  });

  it.each([false, true])('is nothing where the writer knows of it (--upgrade %s)', async (upgrade) => {
    const { status, printed } = await checked(SETTLED(), { upgrade });
    expect(status).toBe(0);
    expect(printed.join('\n')).not.toMatch(/earlier builds|notice/);
  });

  it.each([false, true])('is in the JSON with and without --upgrade (%s)', async (upgrade) => {
    const { status } = await checked(CHANGED(), { json: true, upgrade });
    const { findings } = JSON.parse(out.join('')) as {
      findings: readonly { severity: string; key: string }[];
    };
    const notices = findings.filter(({ severity }) => severity === 'notice').map(({ key }) => key);
    expect([status, notices]).toEqual([
      0,
      [
        expect.stringMatching(/omoi\.yaml:2 alerting\.rule_files$/),
        expect.stringMatching(/omoi\.yaml:3 watchdog\.policy_files$/),
      ],
    ]);
  });

  it('is not looked for in a configuration that is refused', async () => {
    const { status, printed } = await checked([...CHANGED(), 'htp: {}'], { upgrade: true });
    expect(status).toBe(1);
    expect(printed.join('\n')).toMatch(
      /^error {2}configuration: .*unknown key "htp"; did you mean "http"\?$/,
    );
  });
});
