import { timeByStatus, type StatusSpan } from '../domain/activity-strip.ts';
import { formatDuration } from '../domain/age.ts';
import { agentTone } from '../domain/tone.ts';
import styles from './status-strip.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface StatusStripProps {
  readonly spans: readonly StatusSpan[];
  /** The span of time that the whole width stands for, ms since epoch. */
  readonly fromMs: number;
  readonly toMs: number;
  /** `15m` */
  readonly range: string;
}

/** How an agent was over time, as a strip of its statuses’ colours, with how long each lasted. */
export function StatusStrip({ spans, fromMs, toMs, range }: StatusStripProps) {
  const times = timeByStatus(spans);
  const told = times.map(([status, ms]) => `${status.toLowerCase()} ${formatDuration(ms)}`).join(', ');
  const share = (ms: number): string => `${((ms / (toMs - fromMs)) * 100).toFixed(3)}%`;
  return (
    <>
      <div
        className={styles.strip}
        role="img"
        aria-label={`In the last ${range}: ${told || 'nothing is known'}`}
      >
        {spans.map((span) => (
          <span
            key={span.fromMs}
            className={styles.span}
            data-tone={agentTone(span.status)}
            title={`${span.status.toLowerCase()} for ${formatDuration(span.toMs - span.fromMs)}`}
            style={{ left: share(span.fromMs - fromMs), width: share(span.toMs - span.fromMs) }}
          />
        ))}
      </div>
      <p className={styles.ends} aria-hidden="true">
        <span>{range} ago</span>
        <span>now</span>
      </p>
      <ul className={styles.legend} aria-label="How long it was in each status">
        {times.map(([status, ms]) => (
          <li key={status} className={styles.entry}>
            <ToneDot tone={agentTone(status)} />
            {status.toLowerCase()} {formatDuration(ms)}
          </li>
        ))}
      </ul>
    </>
  );
}
