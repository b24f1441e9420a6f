import { useParams } from '@tanstack/react-router';
import { AgentFacts } from '../components/agent-drawer.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';

/** One agent: how it stands, why, and what it has been through. */
export function AgentPage() {
  const { agentId } = useParams({ from: '/inside/fleet/$agentId' });
  return (
    <>
      <PageTitle>{agentId}</PageTitle>
      <Panel title="How it stands">
        <AgentFacts agentId={agentId} />
      </Panel>
    </>
  );
}
