import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { traceQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Span, Trace } from '../api/wire.ts';
import { Panel } from '../components/panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { SpanDetails } from '../components/span-details.tsx';
import { TraceWaterfall } from '../components/trace-waterfall.tsx';
import { formatSpanTime } from '../domain/age.ts';
import { describeTrace } from '../domain/trace-text.ts';
import { layOutTrace } from '../domain/trace-tree.ts';
import styles from './trace.module.css';

const STARTED = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  hourCycle: 'h23',
});

/** One trace as a waterfall, with the details of the span that the address names. */
export function TracePage() {
  const { client } = useServer();
  const { traceId } = useParams({ from: '/inside/traces/$traceId' });
  const { span: spanId } = useSearch({ from: '/inside/traces/$traceId' });
  const query = useQuery(traceQuery(client, traceId));
  return (
    <>
      <p className={styles.back}>
        <Link to="/traces">Traces</Link>
      </p>
      <TraceTitle trace={query.data ?? null} />
      <p className={styles.id}>{traceId}</p>
      <QueryView query={query} placeholderLines={8}>
        {({ spans }) => {
          const waterfall = layOutTrace<Span>(spans);
          const chosen = spans.find((span) => span.span_id === spanId) ?? null;
          const failed = spans.filter(({ status }) => status === 'error').length;
          if (spans.length === 0) return <Nothing>None of its spans has been recorded yet.</Nothing>;
          return (
            <>
              <dl className={styles.facts}>
                <Fact name="Started" value={STARTED.format(waterfall.startUs / 1_000)} />
                <Fact name="Took" value={formatSpanTime(waterfall.durationUs / 1_000)} />
                <Fact name="Spans" value={String(spans.length)} />
                <Fact name="Failed" value={String(failed)} />
              </dl>
              <div className={styles.layout} data-chosen={chosen !== null}>
                <Panel title="Spans">
                  <TraceWaterfall waterfall={waterfall} chosenId={spanId ?? null} traceId={traceId} />
                </Panel>
                {chosen !== null && <SpanDetails span={chosen} traceStartUs={waterfall.startUs} />}
              </div>
            </>
          );
        }}
      </QueryView>
    </>
  );
}

/** What it is about, as the list of traces says it. */
function TraceTitle({ trace }: { readonly trace: Trace | null }) {
  const [first] = trace?.spans ?? [];
  if (!trace || !first) return <h1 className={styles.title}>Trace</h1>;
  const failed = trace.spans.filter(({ status }) => status === 'error').length;
  const { title, detail } = describeTrace({ name: first.name, error_count: failed, about: trace.about });
  return (
    <>
      <h1 className={styles.title}>{title}</h1>
      {detail !== null && <p className={styles.detail}>{detail}</p>}
    </>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
