import { describe, expect, it } from 'vitest';
import { parseMatcher } from '#promql';
import type { DocumentSource } from '#telemetry';
import { PolicyRegistry } from './policy-registry.ts';

const policy = (name: string): string =>
  `name: ${name}\nmatch: ['alertname="A"']\ntarget: { kind: agent, label: agent_id }\nsteps: [{ action: restart }]\n`;

/** What the files say, read in one go, and how often the reading could have paused. */
function read(sources: readonly DocumentSource[]) {
  const reading = new PolicyRegistry(null, parseMatcher).parse(sources);
  for (let pauses = 0; ; pauses++) {
    const step = reading.next();
    if (step.done) return { policies: step.value, pauses };
  }
}

describe('policy files', () => {
  it('have 65,536 characters and no more: each is read in one go', () => {
    const text = policy('long').padEnd(65_536, '#');
    expect(read([{ name: 'long.yaml', text }]).policies).toMatchObject([{ name: 'long' }]);
    expect(() => read([{ name: 'long.yaml', text: `${text}#` }])).toThrow(
      expect.objectContaining({
        code: 'policy_file_invalid',
        message: 'long.yaml:1:1: the file has 65537 characters; a policy has at most 65536',
      }),
    );
  });

  it('are read with a pause after each, however many there are', () => {
    const sources = Array.from({ length: 1000 }, (_, at) => ({
      name: `${at}.yaml`,
      text: policy(`p_${at}`),
    }));
    const { policies, pauses } = read(sources);
    expect([policies.length, pauses]).toEqual([1000, 1000]);
  });

  it('have names of their own', () => {
    const sources = ['a.yaml', 'b.yaml'].map((name) => ({ name, text: policy('same') }));
    expect(() => read(sources)).toThrow('b.yaml:1:1: policy "same" stands in a.yaml too; names are unique');
  });

  const shipped = (name: string, disabled: readonly string[] = []): DocumentSource => ({
    name: `shipped/${name}.yaml`,
    text: `description: shipped\n${policy(name)}`,
    shipped: { disabled },
  });
  const own = (name: string): DocumentSource => ({ name: `${name}.yaml`, text: policy(name) });
  const inForce = (sources: readonly DocumentSource[]) =>
    read(sources).policies.map(({ name, description }) => `${name} ${description}`.trim());

  it('of a person are added to the shipped ones, and one of the same name replaces a shipped one', () => {
    expect(inForce([shipped('a'), shipped('b'), own('b'), own('c')])).toEqual(['a shipped', 'b', 'c']);
  });

  it('that are shipped are switched off by name', () => {
    expect(inForce([shipped('a', ['a', 'c']), shipped('b', ['a', 'c']), own('c')])).toEqual([
      'b shipped',
      'c',
    ]);
  });

  it.each([
    [
      '{ kind: agent }',
      '{ action: restart, verify: { within: 0s } }',
      /"steps\.0\.verify\.within": nothing is well/,
    ],
    [
      '{ kind: agent }',
      '{ action: restart, verify: { within: 25h } }',
      /"steps\.0\.verify\.within": .* at most 1d/,
    ],
    [
      '{ kind: agent }',
      '{ action: restart, verify: { healthy_for: 292y } }',
      /"steps\.0\.verify\.healthy_for": .* at most 1d/,
    ],
    [
      '{ kind: pool, pool: p }',
      '{ action: scale, add: 1, ttl: 999ms }',
      /"steps\.0\.ttl": would be over before/,
    ],
  ])('for %s give a step time, and not for ever: not %s', (target, step, message) => {
    const text = `name: hasty\nmatch: ['a="b"']\ntarget: ${target}\nsteps: [${step}]\n`;
    expect(() => read([{ name: 'hasty.yaml', text }])).toThrow(message);
  });
});
