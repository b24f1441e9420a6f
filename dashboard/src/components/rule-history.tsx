import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { ruleHistoryQuery } from '../api/rule-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { RuleHistoryAnswer } from '../api/wire.ts';
import { formatDuration, formatMoment } from '../domain/age.ts';
import { count } from '../domain/count.ts';
import { words } from '../domain/event-sentence.ts';
import { HISTORY_RANGE_NAMES } from '../domain/rule-filter.ts';
import { firedFor, stripOf, type Fired } from '../domain/rule-strip.ts';
import { useNow } from '../hooks/use-now.ts';
import { FilterChips } from './filter-chips.tsx';
import styles from './link-rows.module.css';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import strip from './rule-strip.module.css';
import { ToneLabel } from './tone-dot.tsx';

/** More are on the page of alerts. */
const episodesListed = 10;

/** When a rule fired, as a strip, and its newest alerts. */
export function RuleHistory({ ruleKey }: { readonly ruleKey: string }) {
  const { client } = useServer();
  const { history: range = '24h' } = useSearch({ from: '/inside/alerts/rules/$ruleKey' });
  const query = useQuery(ruleHistoryQuery(client, ruleKey, range));
  return (
    <Panel
      title="When it fired"
      actions={
        <FilterChips
          label="How far back"
          choices={HISTORY_RANGE_NAMES}
          chosen={range}
          name={(one) => one}
          searchOf={(one) => ({ history: one === '24h' ? undefined : one })}
        />
      }
    >
      <QueryView query={query} placeholderLines={3}>
        {(answer) => <History answer={answer} />}
      </QueryView>
    </Panel>
  );
}

function History({ answer }: { readonly answer: RuleHistoryAnswer }) {
  const nowMs = useNow();
  const { episodes, is_cut: isCut } = answer;
  const span = { fromMs: Date.parse(answer.from), toMs: Date.parse(answer.to) };
  const fired = episodes.map((one): Fired => ({
    fromMs: Date.parse(one.fired_at),
    toMs: one.resolved_at === null ? null : Date.parse(one.resolved_at),
  }));
  const told =
    episodes.length === 0
      ? 'It has not fired.'
      : `${isCut ? 'More than ' : ''}${count(episodes.length, 'alert')}, ${formatDuration(firedFor(fired, span))} in all`;
  return (
    <>
      <div className={strip.strip} role="img" aria-label={told}>
        {stripOf(fired, span).map(({ from, to, count: many }) => (
          <span
            key={from}
            className={strip.block}
            style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%`, opacity: many > 1 ? 1 : 0.7 }}
          />
        ))}
      </div>
      <p className={strip.ends}>
        <span>{formatMoment(span.fromMs, nowMs)}</span>
        <span>{told}</span>
        <span>now</span>
      </p>
      {episodes.length === 0 ? (
        <Nothing>Nothing to show of this time.</Nothing>
      ) : (
        <Episodes {...{ episodes, nowMs }} />
      )}
    </>
  );
}

function Episodes({
  episodes,
  nowMs,
}: {
  readonly episodes: RuleHistoryAnswer['episodes'];
  readonly nowMs: number;
}) {
  return (
    <ul className={styles.rows} aria-label="Its newest alerts">
      {episodes.slice(0, episodesListed).map((episode) => (
        <li key={episode.alert_id} className={styles.row}>
          <Link to="/alerts/$alertId" params={{ alertId: episode.alert_id }}>
            {subjectOf(episode.labels)}
          </Link>
          <ToneLabel tone={episode.state === 'firing' ? 'caution' : 'gone'}>
            {episode.state === 'firing' ? 'firing' : words(episode.cause ?? 'resolved')}
          </ToneLabel>
          <span className={styles.number}>{formatMoment(Date.parse(episode.fired_at), nowMs)}</span>
        </li>
      ))}
    </ul>
  );
}

/** What tells an alert of a rule from the others. */
function subjectOf({ alertname, severity: _severity, ...labels }: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  return text || (alertname ?? 'alert');
}
