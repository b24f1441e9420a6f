import type { Overview } from '../api/wire.ts';
import { formatDuration } from './age.ts';

/** `The host is 1.2s behind: agents are given 4.7s instead of 3.5s before they are unresponsive.` */
export function describeHostDelay(delay: NonNullable<Overview['host_delay']>): string {
  const [behind, ttl, usual] = [
    delay.seconds,
    delay.heartbeat_ttl_seconds,
    delay.usual_heartbeat_ttl_seconds,
  ].map((seconds) => formatDuration(Math.round(seconds * 10) * 100));
  return `The host is ${behind} behind: agents are given ${ttl} instead of ${usual} before they are unresponsive.`;
}
