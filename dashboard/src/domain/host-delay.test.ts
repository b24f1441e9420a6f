import { expect, it } from 'vitest';
import { describeHostDelay } from './host-delay.ts';

it.each([
  [1.2, 3, 4.2, 'The host is 1.2 s behind: agents are given 4.2 s instead of 3 s.'],
  [12.04, 1.75, 5.25, 'The host is 12 s behind: agents are given 5.3 s instead of 1.8 s.'],
])('a delay of %s s on a TTL of %s s', (seconds, usual, ttl, text) => {
  const delay = { seconds, usual_heartbeat_ttl_seconds: usual, heartbeat_ttl_seconds: ttl };
  expect(describeHostDelay(delay)).toBe(text);
});
