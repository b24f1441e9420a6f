import type { RulePreviewAnswer } from '../api/wire.ts';
import { formatDuration, formatMoment } from '../domain/age.ts';
import { count } from '../domain/count.ts';
import { firedFor, stripOf, type Fired } from '../domain/rule-strip.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './rule-editor.module.css';
import rows from './link-rows.module.css';
import strip from './rule-strip.module.css';
import { ToneLabel } from './tone-dot.tsx';

type Previewed = RulePreviewAnswer['after'];

/** More would fill the page. */
const episodesListed = 8;

/** What a rule would have done over stored samples, beside what the one that is loaded did. */
export function RulePreview({ answer }: { readonly answer: RulePreviewAnswer }) {
  const span = { fromMs: Date.parse(answer.from), toMs: Date.parse(answer.to) };
  return (
    <div role="status" aria-label="Preview">
      {answer.before !== null && (
        <PreviewStrip title="As it is loaded" previewed={answer.before} span={span} />
      )}
      <PreviewStrip title="As it is written here" previewed={answer.after} span={span} />
      <PreviewedEpisodes previewed={answer.after} />
    </div>
  );
}

interface PreviewStripProps {
  readonly title: string;
  readonly previewed: Previewed;
  readonly span: { readonly fromMs: number; readonly toMs: number };
}

function PreviewStrip({ title, previewed, span }: PreviewStripProps) {
  const fired = firedIn(previewed);
  const told = toldOf(previewed, fired, span);
  return (
    <>
      <p className={styles.label}>
        <b>{title}</b>: {told}
      </p>
      <div className={strip.strip} role="img" aria-label={`${title}: ${told}`}>
        {stripOf(fired, span).map(({ from, to, count: many }) => (
          <span
            key={from}
            className={strip.block}
            style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%`, opacity: many > 1 ? 1 : 0.7 }}
          />
        ))}
      </div>
    </>
  );
}

function firedIn({ episodes }: Previewed): readonly Fired[] {
  return episodes.flatMap(({ fired_at: fired, ended_at: ended }) =>
    fired === null ? [] : [{ fromMs: Date.parse(fired), toMs: ended === null ? null : Date.parse(ended) }],
  );
}

function toldOf(
  { failure, is_cut: isCut, step_ms: stepMs, episodes }: Previewed,
  fired: readonly Fired[],
  span: PreviewStripProps['span'],
): string {
  if (failure !== null) return `it can’t be evaluated: ${failure.message}`;
  const pending = episodes.length - fired.length;
  const waited = pending > 0 ? `, ${pending} more pending only` : '';
  const looked = `, looked at every ${formatDuration(stepMs)}`;
  if (fired.length === 0) return `it would not have fired${waited}${looked}`;
  return `${isCut ? 'more than ' : ''}${count(fired.length, 'alert')}, ${formatDuration(firedFor(fired, span))} in all${waited}${looked}`;
}

function PreviewedEpisodes({ previewed: { episodes } }: { readonly previewed: Previewed }) {
  const nowMs = useNow();
  if (episodes.length === 0) return null;
  return (
    <ul className={rows.rows} aria-label="What it would have told">
      {episodes.slice(0, episodesListed).map((episode) => (
        <li key={`${episode.pending_at} ${JSON.stringify(episode.labels)}`} className={rows.row}>
          <span>{episode.annotations['summary'] ?? textOf(episode.labels)}</span>
          <ToneLabel tone={episode.fired_at === null ? 'busy' : 'caution'}>
            {episode.fired_at === null ? 'pending' : 'firing'}
          </ToneLabel>
          <span className={rows.number}>{formatMoment(Date.parse(episode.pending_at), nowMs)}</span>
        </li>
      ))}
    </ul>
  );
}

function textOf({ alertname, ...labels }: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return text.length > 0 ? text.join(' ') : (alertname ?? '');
}
