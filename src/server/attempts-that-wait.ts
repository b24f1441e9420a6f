import { formatDuration, type PoolDefinition } from '#telemetry';
import type { Policy } from '#watchdog';

/**
 * Pools whose agents may take longer to start, or to finish before a restart, than a policy gives a step: its attempts wait
 * for as long as the pool allows, so that the guardian is told later than `within` makes one think. One line for each pool.
 */
export function attemptsThatWait(
  pools: readonly PoolDefinition[],
  policies: readonly Policy[],
): readonly string[] {
  const restarts = policies.flatMap(({ name, steps }) =>
    steps.flatMap((step) => (step.action === 'restart' ? [{ name, withinMs: step.verify.within }] : [])),
  );
  return pools.flatMap((pool) =>
    [
      { key: 'start_within', what: 'to start', ms: pool.startWithinMs },
      { key: 'grace', what: 'to finish', ms: pool.graceMs },
    ].flatMap(({ key, what, ms }) => {
      const shorter = restarts.filter(({ withinMs }) => withinMs < ms);
      if (shorter.length === 0) return [];
      const names = [...new Set(shorter.map(({ name }) => name))].join(', ');
      const within = formatDuration(Math.min(...shorter.map(({ withinMs }) => withinMs)));
      return [
        `pool ${pool.id}: its agents may take ${formatDuration(ms)} ${what} (${key}), so that an attempt of ${names} may last as long, and not only within ${within}: the guardian is told later`,
      ];
    }),
  );
}
