import { useQuery } from '@tanstack/react-query';
import { watchdogQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { formatElapsed } from '../domain/age.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import type { Order } from '../domain/palette.ts';
import { reasonOf } from '../domain/storms.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import { ConfirmedRequest } from './confirmed-request.tsx';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import { ToneLabel } from './tone-dot.tsx';
import styles from './watchdog-panel.module.css';

const CHANGED = ['watchdog', 'remediations', 'overview'];

const PAUSE: Order = {
  effect:
    'No repair begins until somebody resumes, whatever fires; what runs now is seen through. Alerts fire and are told as before.',
  method: 'POST',
  path: '/api/v1/watchdog/pause',
  body: {},
  changes: CHANGED,
};

const RESUME: Order = {
  effect:
    'What was held back is decided again at once: repairs that are still needed begin, as their guards let them.',
  method: 'POST',
  path: '/api/v1/watchdog/resume',
  body: {},
  changes: CHANGED,
};

/** Whether the watchdog repairs, what holds it back, and the hand of a person on that. */
export function WatchdogPanel() {
  const { client } = useServer();
  const nowMs = useNow();
  const mayHandle = useMayHandle();
  const query = useQuery(watchdogQuery(client));
  const isPaused = query.data?.states.some(({ state }) => state === 'paused') ?? false;
  return (
    <Panel
      title="Watchdog"
      actions={mayHandle && query.data ? <PauseOrResume isPaused={isPaused} /> : undefined}
    >
      <QueryView query={query} placeholderLines={2}>
        {(watchdog) =>
          watchdog.states.length === 0 ? (
            <p className={styles.state}>
              <ToneLabel tone="good">on watch</ToneLabel>
              It repairs what its policies may repair.
            </p>
          ) : (
            <ul className={styles.held}>
              {watchdog.states.map((held) => (
                <li key={held.state}>
                  <ToneLabel tone="caution">{words(held.state)}</ToneLabel>
                  <span>
                    {sentence(reasonOf(held, watchdog))} For {formatElapsed(Date.parse(held.since), nowMs)}
                    {held.by === 'watchdog' ? '.' : `, by ${held.by}.`}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </QueryView>
      {!mayHandle && <p className={styles.soft}>An operator may pause it, and let it go on.</p>}
    </Panel>
  );
}

function PauseOrResume({ isPaused }: { readonly isPaused: boolean }) {
  return isPaused ? (
    <ConfirmedRequest label="Resume" of="the watchdog" order={RESUME} />
  ) : (
    <ConfirmedRequest
      label="Pause"
      of="the watchdog"
      order={PAUSE}
      reason="paused in mission control"
      isGrave
    />
  );
}
