import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { linesQuery } from '../api/agent-queries.ts';
import { alertRuleQuery } from '../api/alert-queries.ts';
import { overviewQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Alert, AlertRuleAnswer } from '../api/wire.ts';
import { formatDuration } from '../domain/age.ts';
import { short } from '../domain/agent-charts.ts';
import { QUEUE_RANGE_NAMES, type QueueRange } from '../domain/search.ts';
import { lineAmong, summaryOf, worstWithin } from '../domain/time-series.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './alert-chart.module.css';
import { CodeBlock } from './code-block.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { TimeChart } from './time-chart.tsx';

type Rule = NonNullable<AlertRuleAnswer['rule']>;

/** An alert, or what may become one. */
interface Judged {
  /** Tells its charts from others’. */
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What the rule of an alert asks, and the value that it judges over time, with its threshold. */
export function AlertChart({ alert }: { readonly alert: Alert }) {
  const { client } = useServer();
  const rule = useQuery(alertRuleQuery(client, alert.id));
  return (
    <Panel title="Condition" actions={<ChosenRange />}>
      <QueryView query={rule} placeholderLines={6}>
        {(found) =>
          found === null ? (
            <Nothing>Its rule is not loaded any more: {alert.rule_id}.</Nothing>
          ) : (
            <Condition judged={alert} rule={found} />
          )
        }
      </QueryView>
    </Panel>
  );
}

/** The same of what is pending: its rule is known with it. */
export function ConditionPanel({ judged, rule }: { readonly judged: Judged; readonly rule: Rule }) {
  return (
    <Panel title="Condition" actions={<ChosenRange />}>
      <Condition {...{ judged, rule }} />
    </Panel>
  );
}

function ChosenRange() {
  const { search, change } = useView();
  return (
    <SegmentedControl
      size="xs"
      value={search.range}
      onChange={(chosen) => change({ range: chosen })}
      data={QUEUE_RANGE_NAMES}
      aria-label="How far back"
    />
  );
}

function Condition({ judged, rule }: { readonly judged: Judged; readonly rule: Rule }) {
  const { range } = useView().search;
  return (
    <div className={styles.rule}>
      <CodeBlock label="Expression" text={rule.expr} />
      <p className={styles.soft}>
        <Link to="/alerts/rules/$ruleKey" params={{ ruleKey: rule.rule_key }}>
          {rule.rule_id}
        </Link>{' '}
        {whenOf(rule)}
      </p>
      {rule.value_query !== null && <Value {...{ judged, rule, range }} query={rule.value_query} />}
    </div>
  );
}

/** When it fires and when it ends. */
function whenOf({ file, for_ms: forMs, keep_firing_for_ms: keepMs }: Rule): string {
  const fires = forMs === 0 ? 'as soon as it holds' : `when it has held for ${formatDuration(forMs)}`;
  const ends = keepMs === 0 ? '' : `, and goes on for ${formatDuration(keepMs)} after it holds no more`;
  return `of ${file.slice(file.lastIndexOf('/') + 1)} fires ${fires}${ends}.`;
}

interface ValueProps {
  readonly judged: Judged;
  readonly rule: Rule;
  readonly query: string;
  readonly range: QueueRange;
}

function Value({ judged, rule: { comparison, threshold }, query, range }: ValueProps) {
  const { client } = useServer();
  const overview = useQuery(overviewQuery(client));
  const leadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const asked = {
    about: `the value of ${judged.id}`,
    query: (step: number) => worstWithin(step, query, comparison),
    range,
    leadSeconds,
  };
  const reading = useQuery(linesQuery(client, asked));
  return (
    <QueryView query={reading} placeholderLines={5}>
      {({ timesSeconds, lines }) => {
        const line = lineAmong(lines, judged.labels);
        if (line === undefined) return <Nothing>It has had no value in the last {range}.</Nothing>;
        const { now, peak } = summaryOf(line);
        const told = (value: number | null) => (value === null ? 'none' : short(value));
        const against = threshold === null ? '' : `, held against ${comparison} ${short(threshold)}`;
        return (
          <>
            <TimeChart
              label={`Value: ${told(now)} now, at most ${told(peak)} in the last ${range}${against}`}
              timesSeconds={timesSeconds}
              values={line.values}
              format={short}
              heightPx={190}
              threshold={threshold}
            />
            <p className={styles.soft}>
              Now {told(now)}, at most {told(peak)} in the last {range}
              {against}.
            </p>
          </>
        );
      }}
    </QueryView>
  );
}
