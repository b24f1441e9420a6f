import { expect, it } from 'vitest';
import { describeHostDelay } from './host-delay.ts';

it.each([
  [1.2, 3, 4.2, 'The host is 1.2s behind: agents are given 4.2s instead of 3s before they are unresponsive.'],
  [
    12.04,
    1.75,
    5.25,
    'The host is 12s behind: agents are given 5.3s instead of 1.8s before they are unresponsive.',
  ],
])('a delay of %s s on a TTL of %s s', (seconds, usual, ttl, text) => {
  const delay = { seconds, usual_heartbeat_ttl_seconds: usual, heartbeat_ttl_seconds: ttl };
  expect(describeHostDelay(delay)).toBe(text);
});
