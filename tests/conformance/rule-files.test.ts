import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '#alerting';
import { createEngine } from '#promql';
import { messageOf, VirtualClock } from '#telemetry';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CASES = join(process.env['OMOI_CONFORMANCE_DIR'] ?? join(REPOSITORY, '../shared/conformance'), 'rules');

/** What promtool refuses, and with what; tests of rules (`rule_files:`, `tests:`) are no rule files. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'rules-bad.yml': /rules-bad\.yml:12:\d+: .*annotation "summary": undefined variable "\$label"/,
  'rules_extrafields.yml': /rules_extrafields\.yml:7:5: unknown key "groups\.0\.namespace"/,
  // Accepted only with promtool's --enable-feature.
  'features.yml': /features\.yml:6:\d+: .*experimental/,
  'bad-rules-syntax.yml': /bad-rules-syntax\.yml:7:9: .*could not parse expression/,
};

const engine = createEngine({ clock: new VirtualClock() });

/** The warnings of an accepted file, or the problems of a refused one. */
function verdict(path: string, name: string): { accepted: boolean; text: string } {
  try {
    const file = parseRuleFile({ name, text: readFileSync(path, 'utf8') }, (expr) => engine.prepare(expr));
    return { accepted: true, text: [...file.warnings, ...file.duplicates].join('\n') };
  } catch (thrown) {
    return { accepted: false, text: messageOf(thrown) };
  }
}

function filesOf(folder: string): readonly { name: string; path: string }[] {
  return readdirSync(join(CASES, folder))
    .filter((name) => name.endsWith('.yml'))
    .map((name) => ({ name, path: join(CASES, folder, name) }));
}

describe.skipIf(!existsSync(CASES))(`rule files of others, from ${CASES}`, () => {
  const ruleFiles = existsSync(CASES)
    ? filesOf('promtool').filter(({ path }) => /^groups:/m.test(readFileSync(path, 'utf8')))
    : [];

  it.each(ruleFiles)('promtool/$name gets promtool’s verdict', ({ name, path }) => {
    const found = verdict(path, name);
    const expected = REFUSED[name];
    if (expected) expect(found.text).toMatch(expected);
    else expect(found.text.replace(/duplicate rule: .*\n?/g, '')).toBe('');
    expect(found.accepted).toBe(expected === undefined);
  });

  it('says which rules are there twice', () => {
    const path = join(CASES, 'promtool/rules_duplicates.yml');
    expect(verdict(path, 'rules_duplicates.yml').text).toBe(
      'duplicate rule: job:test:count_over_time1m, in lines 6, 18 and 23',
    );
  });

  it.each(existsSync(CASES) ? filesOf('awesome') : [])('awesome/$name is accepted', ({ name, path }) => {
    expect(verdict(path, name)).toMatchObject({ accepted: true });
  });
});

describe('the shipped rules', () => {
  const folder = join(REPOSITORY, 'config/alert_rules');
  it.each(readdirSync(folder))('%s is accepted without a warning', (name) => {
    expect(verdict(join(folder, name), name)).toEqual({ accepted: true, text: '' });
  });
});
