import { Link } from '@tanstack/react-router';
import type { RuleInGroup } from '../api/rule-queries.ts';
import { formatAgo } from '../domain/age.ts';
import { activeText, millisecondsText, ruleStand } from '../domain/rule-text.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

const COLUMNS = { gridTemplateColumns: 'minmax(0, 1.5fr) 128px minmax(0, 1fr) 112px 92px minmax(0, 0.8fr)' };

/** Rules in short, each a way to all that is known of it. */
export function RuleRows({ rules }: { readonly rules: readonly RuleInGroup[] }) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows} aria-label="Rules">
      {rules.map((row) => (
        <li key={row.rule.rule_key}>
          <RuleRow {...row} nowMs={nowMs} />
        </li>
      ))}
    </ul>
  );
}

function RuleRow({ rule, group, nowMs }: RuleInGroup & { readonly nowMs: number }) {
  const { text, tone } = ruleStand(rule);
  const severity = rule.labels['severity'];
  return (
    <div className={styles.row} style={COLUMNS}>
      <span className={styles.name}>
        <Link to="/alerts/rules/$ruleKey" params={{ ruleKey: rule.rule_key }} data-row>
          {rule.name}
        </Link>
      </span>
      <span>
        <ToneLabel tone={tone}>{text}</ToneLabel>
      </span>
      <span className={styles.cell}>{activeText(rule) || (severity ?? group)}</span>
      <span className={styles.cell} title="What an evaluation costs, smoothed">
        costs {millisecondsText(rule.cost_ms)}
      </span>
      <span className={styles.cell} title="How long it last had to wait">
        {rule.last_delay_ms === 0 ? 'on time' : `+${millisecondsText(rule.last_delay_ms)}`}
      </span>
      <span className={`${styles.cell} ${styles.end}`}>
        {rule.last_evaluation === null ? 'never' : formatAgo(Date.parse(rule.last_evaluation), nowMs)}
      </span>
      {rule.last_error !== null && <span className={styles.wide}>{rule.last_error}</span>}
    </div>
  );
}
