import { listProblems, nearestWord, OmoiError, poolVariableNames } from '#telemetry';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'OMOI_';

/** What tells a worker who it is and where its server is, beside what it finds of its pool; the SDK reads it. */
const OF_WORKERS = [
  'OMOI_URL',
  'OMOI_AGENT_ID',
  'OMOI_AGENT_GENERATION',
  'OMOI_AGENT_NONCE',
  'OMOI_AGENT_TOKEN',
  'OMOI_POOL_ID',
  'OMOI_UNIT_ID',
  'OMOI_WATCHED_AGENT',
] as const;
const OF_THE_COMMAND_LINE = ['OMOI_TOKEN', 'OMOI_NODE_FLAGS'] as const;
/** Those of the demo's workers, of tests and of benches: nobody mistypes them here. */
const OF_OTHERS =
  /^OMOI_(?:(?:DEMO|BENCH|SIMULATION|CONFORMANCE)_[A-Z_]+|SIMULATIONS|SEED|LONG|LIMITS|ROUNDS|RUNS_FACTOR)$/;

/** What Kubernetes tells containers of the services in their namespace: here of `omoi` and `omoi-…`. */
const OF_A_SERVICE = /^OMOI(?:_[A-Z0-9_]+)?_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/;
const LINK_OF_A_SERVICE =
  /^(OMOI(?:_[A-Z0-9_]+?)??)_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?$/;
const isLink = (value: string | undefined): boolean => /^(?:tcp|udp|sctp):\/\//.test(value ?? '');

/** Closer to a known name than this is a typing error, beyond doubt. */
const MAX_MISTYPED_EDITS = 2;

/**
 * Whether Kubernetes has set a variable for a service, as `OMOI_PORT` of a service `omoi`. That of a service `omoi-http` has the
 * name of a key, `OMOI_HTTP_PORT`; its value tells them apart.
 */
export function isSetByKubernetes(variable: string, environment: Environment): boolean {
  if (OF_A_SERVICE.test(variable)) return true;
  const service = LINK_OF_A_SERVICE.exec(variable)?.[1];
  if (service === undefined) return false;
  if (service === 'OMOI') return true;
  if (environment[`${service}_SERVICE_HOST`] === undefined) return false;
  return variable !== `${service}_PORT` || isLink(environment[variable]);
}

/**
 * The variables `OMOI_…` that nobody reads.
 * @param ofKeys those of the configuration's keys
 * @throws OmoiError `config_invalid` for those that are hardly more than a typing error away from one that is read
 */
export function unknownVariables(environment: Environment, ofKeys: readonly string[]): readonly string[] {
  const read = [...ofKeys, ...OF_WORKERS, ...poolVariableNames, ...OF_THE_COMMAND_LINE];
  const known = new Set<string>(read);
  const unknown = Object.keys(environment).filter(
    (name) =>
      name.startsWith(PREFIX) &&
      !known.has(name) &&
      !OF_OTHERS.test(name) &&
      !isSetByKubernetes(name, environment),
  );
  const mistyped = unknown.flatMap((name) => {
    const meant = nearestWord(name, read, MAX_MISTYPED_EDITS);
    return meant === null ? [] : [`${name}: no such variable is read; did you mean ${meant}?`];
  });
  if (mistyped.length > 0) throw new OmoiError('config_invalid', listProblems(mistyped));
  return unknown;
}
