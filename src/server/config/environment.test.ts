import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ignoredVariables, loadConfig } from './load.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const set = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, '1']));

describe('a variable OMOI_…', () => {
  it.each([
    ['a key of the configuration', 'OMOI_HTTP_PORT'],
    ['a list of it', 'OMOI_ALERTING_DISABLE'],
    ['what the SDK reads', 'OMOI_AGENT_NONCE'],
    ['what a pool tells its workers', 'OMOI_HEARTBEAT_TTL_MS'],
    ['the token of a command', 'OMOI_TOKEN'],
    ['the seed of a test', 'OMOI_SEED'],
  ])('is known: %s', (_what, name) => {
    expect(ignoredVariables(set(name))).toEqual([]);
  });

  it('that nothing reads is told', () => {
    expect(ignoredVariables(set('OMOI_COLOUR_OF_THE_SKY', 'HOME'))).toEqual(['OMOI_COLOUR_OF_THE_SKY']);
  });

  it.each([
    ['OMOI_HTTP_PROT', 'OMOI_HTTP_PORT'],
    ['OMOI_OTLP_PORTS', 'OMOI_OTLP_PORT'],
    ['OMOI_AGENT_TOKN', 'OMOI_AGENT_TOKEN'],
  ])('that is mistyped is refused: %s', (name, meant) => {
    expect(() => loadConfig({ file: null, environment: set(name) })).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `${name}: no such variable is read; did you mean ${meant}?`,
      }),
    );
  });

  it('of which several are mistyped: each is named', () => {
    expect(() => ignoredVariables(set('OMOI_HTTP_PROT', 'OMOI_LOG_LEVL'))).toThrow(
      /_PROT: .*\nOMOI_LOG_LEVL: /,
    );
  });
});

describe('what Kubernetes sets for a service', () => {
  /** As https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables has it. */
  const linksOf = (service: string) => ({
    [`${service}_SERVICE_HOST`]: '10.0.0.11',
    [`${service}_SERVICE_PORT`]: '4600',
    [`${service}_SERVICE_PORT_HTTP`]: '4600',
    [`${service}_PORT`]: 'tcp://10.0.0.11:4600',
    [`${service}_PORT_4600_TCP`]: 'tcp://10.0.0.11:4600',
    [`${service}_PORT_4600_TCP_PROTO`]: 'tcp',
    [`${service}_PORT_4600_TCP_PORT`]: '4600',
    [`${service}_PORT_4600_TCP_ADDR`]: '10.0.0.11',
  });

  it.each(['OMOI', 'OMOI_OTLP_HEADLESS', 'OMOI_HTTP'])('%s is known, and is no override', (service) => {
    const environment = linksOf(service);
    expect(ignoredVariables(environment)).toEqual([]);
    const config = loadConfig({ file: null, environment });
    expect([config.http.port, config.otlp.port]).toEqual([4600, 4318]);
  });

  it('the port that a person sets beside a service of that name counts', () => {
    const environment = { ...linksOf('OMOI_HTTP'), OMOI_HTTP_PORT: '4700' };
    expect(loadConfig({ file: null, environment }).http.port).toBe(4700);
  });
});

it('each variable that the sources read is known', () => {
  const names = new Set<string>();
  for (const folder of ['src', 'agent/src', 'scripts', 'examples']) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!/\.(?:ts|mjs)$/.test(file) || /\.test(?:-support)?\.ts$/.test(file)) continue;
      const text = readFileSync(join(ROOT, folder, file), 'utf8');
      for (const [, name = ''] of text.matchAll(/(?:env(?:ironment)?(?:\.|\[')|: ')(OMOI_[A-Z_]+)/g))
        names.add(name);
    }
  }
  expect(names).toContain('OMOI_AGENT_ID');
  expect(ignoredVariables(set(...names))).toEqual([]);
});
