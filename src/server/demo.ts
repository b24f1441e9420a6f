import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definePool, type PoolDefinition } from '#telemetry';
import type { Config } from './config/schema.ts';

/** The examples of a checkout; the published package has them as plain JavaScript beside this file. */
const SOURCES = fileURLToPath(new URL('../../examples/fleet', import.meta.url));

export const DEMO_WORKERS = 4;
/** The pool of the demo that works on tasks. */
export const DEMO_POOL = 'demo';
const MAX_WORKERS = 12;
/** The agents of a demo have to be noticed quickly. */
const HEARTBEAT_INTERVAL_MS = 500;
const HEARTBEAT_TTL_MS = 1750;

/** The demo's policies act, where the configuration does not say otherwise: outside of it Omoi only looks. */
export function demoConfig(config: Config): Config {
  return { ...config, watchdog: { ...config.watchdog, mode: config.watchdog.mode ?? 'act' } };
}

/**
 * A small real fleet: workers that fetch, hash, compress and write files, the source they fetch from, and a feeder
 * that keeps them about half busy.
 */
export function demoPools(
  dataDirectory: string,
  compileCache: string | undefined,
): readonly PoolDefinition[] {
  const home = join(dataDirectory, 'demo');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const env = {
    OMOI_DEMO_SOURCE: join(home, 'source.sock'),
    OMOI_DEMO_OUTPUT: join(home, 'output'),
    // Without it each worker loads the compiler that strips types, and is half as large again.
    NODE_COMPILE_CACHE: compileCache ?? join(home, 'compile-cache'),
  };
  const base = {
    cwd: home,
    env,
    overlap: true,
    onOrphan: 'leave',
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    heartbeatTtlMs: HEARTBEAT_TTL_MS,
  } as const;
  const single = { ...base, desired: 1, max: 1 };
  return [
    definePool({ ...single, id: 'demo-source', command: program('source') }),
    definePool({
      ...base,
      id: DEMO_POOL,
      phaseId: 'PHASE_IMPLEMENTATION',
      command: program('worker'),
      desired: DEMO_WORKERS,
      max: MAX_WORKERS,
    }),
    definePool({ ...single, id: 'demo-feeder', enqueueFor: [DEMO_POOL], command: program('feeder') }),
  ];
}

/** Small heaps: the demo is to leave the machine to its owner. */
function program(name: string): readonly string[] {
  return [
    process.execPath,
    '--max-semi-space-size=1',
    '--max-old-space-size=64',
    '--optimize-for-size',
    '--v8-pool-size=1',
    ...scriptOf(name),
  ];
}

/** What Node is given to run it. */
function scriptOf(name: string): readonly string[] {
  const source = join(SOURCES, `${name}.ts`);
  return existsSync(source)
    ? ['--conditions=omoi-source', '--disable-warning=ExperimentalWarning', source]
    : [fileURLToPath(new URL(`demo-${name}.js`, import.meta.url))];
}
