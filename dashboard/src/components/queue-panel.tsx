import type { UseQueryResult } from '@tanstack/react-query';
import { phaseName, type PhaseHistory, type QueueHistory } from '../domain/queue-history.ts';
import { QUEUE_RANGES, type QueueRange } from '../domain/search.ts';
import { Panel } from './panel.tsx';
import styles from './queue-panel.module.css';
import { Nothing, QueryView } from './query-view.tsx';
import { RangeChoice } from './range-choice.tsx';
import { Sparkline } from './sparkline.tsx';

export interface QueuePanelProps {
  readonly history: UseQueryResult<QueueHistory>;
  readonly range: QueueRange;
  /** Whether a phone shows it only when it is opened. */
  readonly foldsOnPhone?: boolean;
}

/** How many tasks wait in each phase, now and lately. */
export function QueuePanel({ history, range, foldsOnPhone = false }: QueuePanelProps) {
  return (
    <Panel
      title="Queue"
      note="tasks waiting, by phase"
      foldsOnPhone={foldsOnPhone}
      actions={<RangeChoice range={range} />}
    >
      <QueryView query={history} placeholderLines={3}>
        {({ timesSeconds, phases }) => {
          if (phases.size === 0) return <Nothing>No task has been enqueued lately.</Nothing>;
          const to = timesSeconds.at(-1) ?? 0;
          return (
            <ul className={styles.phases}>
              {[...phases].map(([phase, history]) => (
                <PhaseRow key={phase} {...{ phase, history, timesSeconds, to, range }} />
              ))}
            </ul>
          );
        }}
      </QueryView>
    </Panel>
  );
}

interface PhaseRowProps {
  readonly phase: string;
  readonly history: PhaseHistory;
  readonly timesSeconds: readonly number[];
  readonly to: number;
  readonly range: QueueRange;
}

function PhaseRow({ phase, history, timesSeconds, to, range }: PhaseRowProps) {
  const { now, most: values } = history;
  const most = values.reduce<number>((peak, value) => Math.max(peak, value ?? 0), now);
  const name = phaseName(phase);
  return (
    <li className={styles.phase}>
      <span className={styles.name}>{name}</span>
      <Sparkline
        label={`${name}: ${now} waiting now, at most ${most} in the last ${range}`}
        timesSeconds={timesSeconds}
        values={values}
        from={to - QUEUE_RANGES[range]}
        to={to}
      />
      <span className={styles.numbers}>
        <span className={styles.now}>{now}</span>
        <span className={styles.most}>peak {most}</span>
      </span>
    </li>
  );
}
