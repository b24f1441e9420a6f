import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { poolsQuery, whyQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { useView } from '../hooks/use-view.ts';
import {
  AgentAdvice,
  AgentEvidence,
  AgentFactList,
  AgentStatus,
  Generations,
  HeldTasks,
  LastRepair,
} from './agent-story.tsx';
import styles from './agent-story.module.css';
import { QueryView } from './query-view.tsx';

export interface AgentDrawerProps {
  /** Undefined: closed. */
  readonly agentId: string | undefined;
}

/** One agent in short, beside the page. The address says which, so that it can be sent to somebody. */
export function AgentDrawer({ agentId }: AgentDrawerProps) {
  const { change } = useView();
  return (
    <Drawer
      opened={agentId !== undefined}
      onClose={() => change({ agent: undefined })}
      position="right"
      size="md"
      title={agentId}
      classNames={{ content: styles.drawer, header: styles.drawer, title: styles.title }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {agentId !== undefined && <AgentInShort agentId={agentId} />}
    </Drawer>
  );
}

/** How an agent stands and why; its page has the rest, and the orders. */
function AgentInShort({ agentId }: { readonly agentId: string }) {
  const { client } = useServer();
  const query = useQuery(whyQuery(client, agentId));
  const pools = useQuery(poolsQuery(client));
  return (
    <QueryView query={query} placeholderLines={8}>
      {(why) => (
        <>
          <AgentStatus agent={why.agent} />
          <p className={styles.whole}>
            <Link to="/fleet/$agentId" params={{ agentId }}>
              Output, charts and orders
            </Link>
          </p>
          <AgentFactList agent={why.agent} pools={pools.data ?? []} />
          <h3 className={styles.subtitle}>Tasks</h3>
          <HeldTasks why={why} />
          <h3 className={styles.subtitle}>Evidence</h3>
          <AgentEvidence why={why} />
          <h3 className={styles.subtitle}>Repairs</h3>
          <LastRepair why={why} />
          <h3 className={styles.subtitle}>What you can do</h3>
          <AgentAdvice why={why} />
          <h3 className={styles.subtitle}>Generations</h3>
          <Generations why={why} />
        </>
      )}
    </QueryView>
  );
}
