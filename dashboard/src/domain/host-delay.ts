import type { Overview } from '../api/wire.ts';

/** `The host is 1.2 s behind: agents are given 4.7 s instead of 3.5 s.` */
export function describeHostDelay(delay: NonNullable<Overview['host_delay']>): string {
  const [behind, ttl, usual] = [
    delay.seconds,
    delay.heartbeat_ttl_seconds,
    delay.usual_heartbeat_ttl_seconds,
  ].map((seconds) => `${Number(seconds.toFixed(1))} s`);
  return `The host is ${behind} behind: agents are given ${ttl} instead of ${usual}.`;
}
