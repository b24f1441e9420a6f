import { useQuery } from '@tanstack/react-query';
import { linesQuery } from '../api/agent-queries.ts';
import { overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AGENT_CHARTS, captionOf, type AgentChart, type ChartedAgent } from '../domain/agent-charts.ts';
import type { QueueRange } from '../domain/search.ts';
import { summaryOf } from '../domain/time-series.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './agent-charts.module.css';
import { QueryView } from './query-view.tsx';
import { TimeChart } from './time-chart.tsx';

export interface AgentChartsProps {
  readonly agent: ChartedAgent;
  readonly range: QueueRange;
}

/** What an agent did and used over time. */
export function AgentCharts({ agent, range }: AgentChartsProps) {
  return (
    <div className={styles.charts}>
      {AGENT_CHARTS.map((chart) => (
        <Chart key={chart.title} {...{ chart, agent, range }} />
      ))}
    </div>
  );
}

function Chart({ chart, agent, range }: AgentChartsProps & { readonly chart: AgentChart }) {
  const nowMs = useNow();
  const { client } = useServer();
  const overview = useQuery(overviewQuery(client));
  const leadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const query = useQuery(
    linesQuery(client, {
      about: `${chart.title} of ${agent.agent_id}`,
      query: (step) => chart.query(agent.agent_id, step),
      range,
      leadSeconds,
    }),
  );
  return (
    <figure className={styles.chart}>
      <QueryView query={query} placeholderLines={3}>
        {({ timesSeconds, lines: [line] }) => {
          const { now, peak, why } = captionOf(chart, agent, { ...summaryOf(line), nowMs });
          return (
            <>
              <figcaption className={styles.caption}>
                {chart.title}
                <span className={styles.now} data-known={why === null}>
                  {now}
                </span>
                {peak !== null && <span className={styles.peak}>peak {peak}</span>}
              </figcaption>
              {why !== null && <p className={styles.why}>{why}</p>}
              {/* Of axes without a line nobody learns more. */}
              {peak !== null && (
                <TimeChart
                  label={`${chart.title}: ${now} now, at most ${peak} in the last ${range}`}
                  timesSeconds={timesSeconds}
                  values={line?.values ?? timesSeconds.map(() => null)}
                  format={chart.format}
                  heightPx={120}
                />
              )}
            </>
          );
        }}
      </QueryView>
    </figure>
  );
}
