import type { Random, Tracing } from '#telemetry';
import { traceIdOf } from '#telemetry';
import { silentSpan } from '../../src/telemetry/tracing/tracing.test-support.ts';

/** Spans that are kept nowhere: their contexts travel as in the real thing. */
export function simulatedTracing(random: Random): Tracing {
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => Math.floor(random.next() * 16).toString(16)).join('');
  return {
    startSpan: (_name, { parent }) => silentSpan(`00-${traceIdOf(parent) ?? hex(32)}-${hex(16)}-01`),
  };
}
