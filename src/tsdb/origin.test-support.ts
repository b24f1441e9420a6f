import type { AppendOrigin } from '#telemetry';

/** Where samples come from, of which no more is known than the source. For tests. */
export function originOf(source: AppendOrigin['source']): AppendOrigin {
  return { source, traceparent: null, receivedAtMs: 0, receivedMonotonicMs: 0 };
}
