import { useQuery } from '@tanstack/react-query';
import { linesQuery } from '../api/agent-queries.ts';
import { overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AGENT_CHARTS, type AgentChart } from '../domain/agent-charts.ts';
import type { QueueRange } from '../domain/search.ts';
import { summaryOf } from '../domain/time-series.ts';
import styles from './agent-charts.module.css';
import { QueryView } from './query-view.tsx';
import { TimeChart } from './time-chart.tsx';

export interface AgentChartsProps {
  readonly agentId: string;
  readonly range: QueueRange;
}

/** What an agent did and used over time. */
export function AgentCharts({ agentId, range }: AgentChartsProps) {
  return (
    <div className={styles.charts}>
      {AGENT_CHARTS.map((chart) => (
        <Chart key={chart.title} {...{ chart, agentId, range }} />
      ))}
    </div>
  );
}

function Chart({ chart, agentId, range }: AgentChartsProps & { readonly chart: AgentChart }) {
  const { client } = useServer();
  const overview = useQuery(overviewQuery(client));
  const leadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const query = useQuery(
    linesQuery(client, {
      about: `${chart.title} of ${agentId}`,
      query: (step) => chart.query(agentId, step),
      range,
      leadSeconds,
    }),
  );
  return (
    <figure className={styles.chart}>
      <QueryView query={query} placeholderLines={3}>
        {({ timesSeconds, lines: [line] }) => {
          const { now, peak } = summaryOf(line);
          const told = (value: number | null) => (value === null ? 'none' : chart.format(value));
          return (
            <>
              <figcaption className={styles.caption}>
                {chart.title}
                <span className={styles.now}>{told(now)}</span>
                <span className={styles.peak}>peak {told(peak)}</span>
              </figcaption>
              <TimeChart
                label={`${chart.title}: ${told(now)} now, at most ${told(peak)} in the last ${range}`}
                timesSeconds={timesSeconds}
                values={line?.values ?? timesSeconds.map(() => null)}
                format={chart.format}
                heightPx={120}
              />
            </>
          );
        }}
      </QueryView>
    </figure>
  );
}
