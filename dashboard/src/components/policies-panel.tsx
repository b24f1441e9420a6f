import { useQuery } from '@tanstack/react-query';
import { policiesQuery } from '../api/repair-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { number } from '../domain/count.ts';
import { words } from '../domain/event-sentence.ts';
import { describeMode, describePolicy } from '../domain/policy-text.ts';
import { Panel } from './panel.tsx';
import styles from './policies-panel.module.css';
import { Nothing, QueryView } from './query-view.tsx';
import { ToneLabel } from './tone-dot.tsx';

/** What the watchdog may do, and about what. */
export function PoliciesPanel() {
  const { client } = useServer();
  const query = useQuery(policiesQuery(client));
  return (
    <Panel title="Policies" note={query.data ? `${number(query.data.length)} in force` : undefined}>
      <QueryView query={query} placeholderLines={4}>
        {(policies) =>
          policies.length === 0 ? (
            <Nothing>No policy is in force: nothing is repaired, whatever fires.</Nothing>
          ) : (
            <ul className={styles.policies}>
              {policies.map((policy) => {
                const { text, tone } = describeMode(policy);
                return (
                  <li key={policy.name} className={styles.policy}>
                    <div className={styles.head}>
                      {words(policy.name)} <ToneLabel tone={tone}>{text}</ToneLabel>
                    </div>
                    <p className={styles.text}>{policy.match.join(', ')}</p>
                    <p className={styles.text}>{describePolicy(policy)}</p>
                  </li>
                );
              })}
            </ul>
          )
        }
      </QueryView>
    </Panel>
  );
}
