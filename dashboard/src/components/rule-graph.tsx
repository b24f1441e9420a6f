import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { linesQuery } from '../api/agent-queries.ts';
import { overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { RuleAnswer } from '../api/wire.ts';
import { short } from '../domain/agent-charts.ts';
import { formatDuration } from '../domain/age.ts';
import { QUEUE_RANGE_NAMES } from '../domain/search.ts';
import { summaryOf, worstWithin } from '../domain/time-series.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './alert-chart.module.css';
import { CodeBlock } from './code-block.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { TimeChart } from './time-chart.tsx';

/** What a rule asks, and of all series the value that is nearest to firing, over time. */
export function RuleGraph({ answer }: { readonly answer: RuleAnswer }) {
  const { search, change } = useView();
  const { rule } = answer;
  const query = rule.kind === 'recording' ? rule.expr : answer.value_query;
  return (
    <Panel
      title="Expression"
      actions={
        <SegmentedControl
          size="xs"
          value={search.range}
          onChange={(chosen) => change({ range: chosen })}
          data={QUEUE_RANGE_NAMES}
          aria-label="How far back"
        />
      }
    >
      <div className={styles.rule}>
        <CodeBlock label="Expression" text={rule.expr} />
        <p className={styles.soft}>{whenOf(answer)}</p>
        {query !== null && <Graph answer={answer} query={query} />}
      </div>
    </Panel>
  );
}

function whenOf({ rule, group }: RuleAnswer): string {
  const every = `every ${formatDuration(group.interval_ms)}${rule.on_arrival ? ', and when its data arrives' : ''}`;
  if (rule.kind === 'recording') return `Recorded as ${rule.name} ${every}.`;
  const fires =
    rule.for_ms === 0 ? 'as soon as it holds' : `when it has held for ${formatDuration(rule.for_ms)}`;
  const { keep_firing_for_ms: keepMs } = rule;
  const ends = keepMs === 0 ? '' : `, and goes on for ${formatDuration(keepMs)} after it holds no more`;
  return `Looked at ${every}. It fires ${fires}${ends}.`;
}

function Graph({ answer, query }: { readonly answer: RuleAnswer; readonly query: string }) {
  const { client } = useServer();
  const { range } = useView().search;
  const { comparison, threshold, rule } = answer;
  const overview = useQuery(overviewQuery(client));
  const isLow = comparison === '<' || comparison === '<=';
  const reading = useQuery(
    linesQuery(client, {
      about: `the values of rule ${rule.rule_key} ${query}`,
      query: (step) => worstWithin(step, `${isLow ? 'min' : 'max'}(${query})`, comparison),
      range,
      leadSeconds: overview.data?.sample_clock_lead_seconds ?? 0,
    }),
  );
  const which = `the ${isLow ? 'lowest' : 'highest'} of all series`;
  return (
    <QueryView query={reading} placeholderLines={5}>
      {({ timesSeconds, lines: [line] }) => {
        if (line === undefined) return <Nothing>It has had no value in the last {range}.</Nothing>;
        const { now, peak } = summaryOf(line);
        const against = threshold === null ? '' : `, held against ${comparison} ${short(threshold)}`;
        const told = `Now ${now === null ? 'none' : short(now)}, at most ${peak === null ? 'none' : short(peak)} in the last ${range}: ${which}${against}.`;
        return (
          <>
            <TimeChart
              label={told}
              timesSeconds={timesSeconds}
              values={line.values}
              format={short}
              heightPx={190}
              threshold={threshold}
            />
            <p className={styles.soft}>{told}</p>
          </>
        );
      }}
    </QueryView>
  );
}
