import { Link } from '@tanstack/react-router';

/** A label; the one that names an agent or a pool leads there. */
export function LabelFact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {name === 'agent_id' ? (
          <Link to="/fleet/$agentId" params={{ agentId: text }}>
            {text}
          </Link>
        ) : name === 'pool_id' ? (
          <Link to="/fleet" search={{ pool: text }}>
            {text}
          </Link>
        ) : (
          text
        )}
      </dd>
    </>
  );
}
