import { testRoute } from '../notification.test-support.ts';

const MINUTE = 60_000;

/** Two alerts of one group. */
export const A = { alertname: 'A', group: 'one', severity: 'warning' };
export const B = { alertname: 'B', group: 'one', severity: 'warning' };

/** A route with the ladder `page`, whose messages are not repeated for a day. */
export const ladderRoute = testRoute({
  groupWaitMs: 0,
  repeatIntervalMs: 24 * 60 * MINUTE,
  omoi: { ...testRoute().omoi, escalation: 'page' },
});
