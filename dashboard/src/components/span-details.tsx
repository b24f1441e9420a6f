import type { Span } from '../api/wire.ts';
import { formatOffset, formatSpanTime } from '../domain/age.ts';
import { Fact } from './fact.tsx';
import { Panel } from './panel.tsx';
import styles from './span-details.module.css';
import { ToneLabel } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

export interface SpanDetailsProps {
  readonly span: Span;
  /** Microseconds since epoch. */
  readonly traceStartUs: number;
}

/** What is known of one span. */
export function SpanDetails({ span, traceStartUs }: SpanDetailsProps) {
  const since = (us: number): string => formatOffset((us - traceStartUs) / 1_000);
  return (
    <Panel title={span.name}>
      {span.status === 'error' && (
        <p className={styles.failed}>
          <ToneLabel tone="bad">failed</ToneLabel> {span.status_message}
        </p>
      )}
      <dl className={styles.facts}>
        <Fact className={styles.fact} name="Service" value={span.service_name} />
        <Fact className={styles.fact} name="Begins at" value={since(span.start_us)} />
        <Fact className={styles.fact} name="Took" value={formatSpanTime(span.duration_us / 1_000)} />
        {Object.entries(span.attributes).map(([name, value]) => (
          <Fact
            key={name}
            className={styles.fact}
            name={name}
            value={typeof value === 'string' ? value : JSON.stringify(value)}
          />
        ))}
      </dl>
      {span.events.length > 0 && (
        <>
          <h3 className={styles.subtitle}>Events</h3>
          <ol className={styles.list}>
            {span.events.map((event) => (
              <li key={`${event.at_us} ${event.name}`}>
                {event.name} <span className={styles.soft}>at {since(event.at_us)}</span>
              </li>
            ))}
          </ol>
        </>
      )}
      {span.links.length > 0 && (
        <>
          <h3 className={styles.subtitle}>Joined by</h3>
          <ul className={styles.list}>
            {span.links.map((link) => (
              <li key={link.span_id}>
                <TraceLink traceId={link.trace_id} of={`span ${link.span_id}`}>
                  {link.trace_id.slice(0, 12)}
                </TraceLink>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
