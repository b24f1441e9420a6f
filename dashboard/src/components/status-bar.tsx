import { describeFleet, number, type FleetCounts } from '../domain/headline.ts';
import styles from './status-bar.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface StatusBarProps {
  readonly counts: FleetCounts;
  /** Tasks that wait in all phases together; null before it is known. */
  readonly waiting: number | null;
}

/** How things stand: one sentence, and the numbers behind it. */
export function StatusBar({ counts, waiting }: StatusBarProps) {
  const { text, tone } = describeFleet(counts);
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
