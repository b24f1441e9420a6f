import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ruleQuery } from '../api/rule-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { RuleAnswer } from '../api/wire.ts';
import { AboutRule, RuleRelations } from '../components/about-rule.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { QueryView } from '../components/query-view.tsx';
import { RuleEditor } from '../components/rule-editor.tsx';
import { RuleGraph } from '../components/rule-graph.tsx';
import { RuleHistory } from '../components/rule-history.tsx';
import { ToneLabel } from '../components/tone-dot.tsx';
import { sentence } from '../domain/event-sentence.ts';
import { activeText, ruleStand } from '../domain/rule-text.ts';
import styles from './columns.module.css';

/** One rule: how it stands, what it asks and costs, when it fired, what it stands on. */
export function RulePage() {
  const { client } = useServer();
  const { ruleKey } = useParams({ from: '/inside/alerts/rules/$ruleKey' });
  const query = useQuery(ruleQuery(client, ruleKey));
  return (
    <>
      <PageTitle note={query.data?.group.name}>{query.data?.rule.name ?? `Rule ${ruleKey}`}</PageTitle>
      <QueryView query={query} placeholderLines={8}>
        {(answer) => (
          <>
            <div className={styles.head}>
              <Stand rule={answer.rule} />
            </div>
            <div className={styles.columns}>
              <div className={styles.column}>
                <RuleGraph answer={answer} />
                {answer.rule.kind === 'alerting' && <RuleHistory ruleKey={ruleKey} />}
                <RuleEditor key={ruleKey} ruleKey={ruleKey} isAlert={answer.rule.kind === 'alerting'} />
              </div>
              <div className={styles.column}>
                <AboutRule answer={answer} />
                <RuleRelations answer={answer} />
              </div>
            </div>
          </>
        )}
      </QueryView>
    </>
  );
}

function Stand({ rule }: { readonly rule: RuleAnswer['rule'] }) {
  const { text, tone } = ruleStand(rule);
  const active = activeText(rule);
  return (
    <div>
      <p className={styles.summary}>
        <ToneLabel tone={tone}>{text}</ToneLabel>{' '}
        {active !== '' && (
          <Link to="/alerts" search={{ match: `alertname=${JSON.stringify(rule.name)}` }}>
            {active}
          </Link>
        )}
      </p>
      {rule.last_error !== null && (
        <p className={styles.summary}>
          It cannot be evaluated, and its alerts stay as they are until it can: {sentence(rule.last_error)}
        </p>
      )}
    </div>
  );
}
