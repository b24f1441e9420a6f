import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { tracesQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { TraceSummary } from '../api/wire.ts';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { ToneDot } from '../components/tone-dot.tsx';
import { formatAgo, formatSpanTime } from '../domain/age.ts';
import { count } from '../domain/count.ts';
import { describeTrace } from '../domain/trace-text.ts';
import { useNow } from '../hooks/use-now.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './traces.module.css';

/** The newest traces. */
export function TracesPage() {
  const { client } = useServer();
  const nowMs = useNow();
  const size = usePageSize(50);
  const query = useQuery(tracesQuery(client, size.rows));
  return (
    <>
      <PageTitle>Traces</PageTitle>
      <Panel title="Newest" note="of Omoi and of the programs that send it spans">
        <QueryView query={query} placeholderLines={8}>
          {({ rows, isWhole }) =>
            rows.length === 0 ? (
              <Nothing>Nothing has been traced yet.</Nothing>
            ) : (
              <>
                <ol className={styles.traces}>
                  {rows.map((trace) => (
                    <TraceRow key={trace.trace_id} trace={trace} nowMs={nowMs} />
                  ))}
                </ol>
                {!isWhole && <More shown={rows.length} total={null} what="traces" onMore={size.more} />}
              </>
            )
          }
        </QueryView>
      </Panel>
    </>
  );
}

interface TraceRowProps {
  readonly trace: TraceSummary;
  readonly nowMs: number;
}

function TraceRow({ trace, nowMs }: TraceRowProps) {
  const failed = trace.error_count > 0;
  const { title, detail, tone } = describeTrace(trace);
  return (
    <li>
      <Link className={styles.trace} data-row to="/traces/$traceId" params={{ traceId: trace.trace_id }}>
        <ToneDot tone={tone} />
        <span className={styles.name}>
          <span className={styles.title}>{title}</span>{' '}
          {detail !== null && <span className={styles.detail}>{detail}</span>}
        </span>
        <span className={styles.service}>{trace.service_name}</span>
        <span className={styles.spans}>
          {count(trace.span_count, 'span')}
          {failed && `, ${trace.error_count} failed`}
        </span>
        <span className={styles.time}>{formatSpanTime(trace.duration_us / 1_000)}</span>
        <span className={styles.time}>{formatAgo(Date.parse(trace.started_at), nowMs)}</span>
      </Link>
    </li>
  );
}
