import type { WatchdogState } from '../api/wire.ts';
import { words } from '../domain/event-sentence.ts';
import { describeFleet, number, type FleetCounts } from '../domain/headline.ts';
import styles from './status-bar.module.css';
import { ToneDot, ToneLabel } from './tone-dot.tsx';

export interface StatusBarProps {
  readonly counts: FleetCounts;
  /** Tasks that wait in all phases together; null before it is known. */
  readonly waiting: number | null;
  /** What holds the watchdog as a whole back. */
  readonly states: WatchdogState['states'];
}

/** How each state of the watchdog ends. */
const WAY_OUT: Readonly<Record<WatchdogState['states'][number]['state'], string>> = {
  paused: 'Ends when somebody resumes: POST /api/v1/watchdog/resume.',
  storm: 'Ends when agents are heard again, or by POST /api/v1/watchdog/resume.',
  self_suspicion: 'Ends by itself when agents had time to be heard.',
};

/** How things stand: one sentence, the numbers behind it, and why nothing is repaired where that is so. */
export function StatusBar({ counts, waiting, states }: StatusBarProps) {
  const { text, tone } = describeFleet(
    counts,
    states.map(({ state }) => state),
  );
  return (
    <div className={styles.bar}>
      <p className={styles.headline} role="status">
        <ToneDot tone={tone} />
        {text}
      </p>
      <dl className={styles.numbers}>
        <Fact name="Agents alive" value={`${number(counts.alive)} / ${number(counts.present)}`} />
        <Fact name="Tasks waiting" value={waiting === null ? '–' : number(waiting)} />
        <Fact
          name={
            counts.unacknowledged < counts.firing
              ? `Alerts, ${number(counts.unacknowledged)} unseen`
              : 'Alerts'
          }
          value={number(counts.firing)}
        />
        <Fact name="Repairs" value={number(counts.repairing)} />
      </dl>
      {states.map(({ state, reason }) => (
        <p key={state} className={styles.held}>
          <ToneLabel tone="caution">{words(state)}</ToneLabel>
          <span>
            {reason}. {WAY_OUT[state]}
          </span>
        </p>
      ))}
    </div>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
