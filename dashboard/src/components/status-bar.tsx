import type { Overview, ServerWarning, WatchdogState } from '../api/wire.ts';
import { formatDuration, formatElapsed } from '../domain/age.ts';
import { number } from '../domain/count.ts';
import { describeHostDelay } from '../domain/host-delay.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { type FleetCounts } from '../domain/headline.ts';
import { reasonOf } from '../domain/storms.ts';
import { useHeadline } from '../hooks/use-headline.ts';
import { useNow } from '../hooks/use-now.ts';
import { Banner } from './banner.tsx';
import { Fact } from './fact.tsx';
import { RequestButton } from './request-button.tsx';
import { ServerWarnings } from './server-warnings.tsx';
import styles from './status-bar.module.css';
import { ToneDot } from './tone-dot.tsx';

export interface StatusBarProps {
  readonly counts: FleetCounts;
  /** Tasks that wait in all phases together; null before it is known. */
  readonly waiting: number | null;
  /** What holds the watchdog back, as a whole or in failure domains. */
  readonly watchdog: WatchdogState;
  /** How far samples and alerts are dated ahead of the wall clock. */
  readonly clockLeadSeconds: number;
  /** How far the host is behind; null while it is not. */
  readonly hostDelay: Overview['host_delay'];
  /** What of the server's configuration was hardly meant so. */
  readonly warnings: readonly ServerWarning[];
  /** Whether whoever is logged in may end a pause or a storm. */
  readonly mayHandle: boolean;
}

/** How each state of the watchdog ends, and by which button a person ends it. */
const WAY_OUT: Readonly<
  Record<WatchdogState['states'][number]['state'], { readonly text: string; readonly button: string | null }>
> = {
  paused: { text: 'Nothing is repaired until an operator resumes.', button: 'Resume' },
  storm: {
    text: 'Nobody who is silent there is restarted. It ends when agents are heard again, when nobody more falls silent for a while, or when an operator ends it.',
    button: 'End the storm',
  },
  self_suspicion: { text: 'Ends by itself when agents had time to be heard.', button: null },
};

/** A smaller lead is caught up before it matters. */
const MIN_TOLD_LEAD_SECONDS = 10;

/** How things stand: one sentence, the numbers behind it, and why nothing is repaired where that is so. */
export function StatusBar({
  counts,
  waiting,
  watchdog,
  clockLeadSeconds,
  hostDelay,
  warnings,
  mayHandle,
}: StatusBarProps) {
  const { states } = watchdog;
  const headline = useHeadline();
  return (
    <div className={styles.bar}>
      <p className={styles.headline} role="status">
        <ToneDot tone={headline?.tone ?? 'gone'} />
        {headline?.text}
      </p>
      <dl className={styles.numbers}>
        <Fact
          className={styles.fact}
          name="Agents alive"
          value={`${number(counts.alive)} / ${number(counts.present)}`}
        />
        <Fact className={styles.fact} name="Tasks waiting" value={waiting === null ? '–' : number(waiting)} />
        <Fact
          className={styles.fact}
          name={
            counts.unacknowledged < counts.firing
              ? `Alerts, ${number(counts.unacknowledged)} unacknowledged`
              : 'Alerts'
          }
          value={number(counts.firing)}
        />
        <Fact className={styles.fact} name="Repairs" value={number(counts.repairing)} />
      </dl>
      {states.map((held) => (
        <HeldBanner key={held.state} held={held} why={reasonOf(held, watchdog)} mayHandle={mayHandle} />
      ))}
      <ServerWarnings warnings={warnings} leadsToTasks />
      {hostDelay !== null && (
        <Banner label="host behind" name="host behind" button={null}>
          {describeHostDelay(hostDelay)} Ends by itself half a minute after the last delay.
        </Banner>
      )}
      {clockLeadSeconds >= MIN_TOLD_LEAD_SECONDS && (
        <Banner label="clock set back" name="clock set back" button={null}>
          The wall clock of the server was set back: samples and alerts are dated{' '}
          {formatDuration(Math.round(clockLeadSeconds) * 1_000)} ahead of it. Repairs go on. Ends by itself
          when it has caught up, or when the clock is set right.
        </Banner>
      )}
    </div>
  );
}

interface HeldBannerProps {
  readonly held: WatchdogState['states'][number];
  readonly why: string;
  readonly mayHandle: boolean;
}

/** Why nothing is repaired, since when, and the way out. */
function HeldBanner({ held: { state, by, since }, why, mayHandle }: HeldBannerProps) {
  const nowMs = useNow();
  const { text, button } = WAY_OUT[state];
  const who = by === 'watchdog' ? '' : `, by ${by}`;
  return (
    <Banner
      label={words(state)}
      name={words(state)}
      button={
        button !== null &&
        mayHandle && (
          <RequestButton
            path="/api/v1/watchdog/resume"
            label={button}
            describes={button}
            changes={['watchdog', 'remediations', 'overview']}
          />
        )
      }
    >
      {sentence(why)} For {formatElapsed(Date.parse(since), nowMs)}
      {who}. {text}
    </Banner>
  );
}
