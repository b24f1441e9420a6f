import type { Generated } from 'kysely';

export interface AccessTables {
  access_tokens: {
    id: string;
    /** Unique among the tokens that are not revoked. */
    name: string;
    role: string;
    /** JSON {agent_ids, pool_id}; null but for agent tokens. */
    scope: string | null;
    /** JSON {pools, agents, matchers}; null where it speaks for nobody beside its scope. */
    speaks_for: string | null;
    /** SHA-256 of the secret, hex. */
    secret_hash: string;
    /** The first characters of the secret, to tell tokens apart. */
    prefix: string;
    created_at_ms: number;
    created_by: string;
    expires_at_ms: number | null;
    /** Written now and then, not at each use. */
    last_used_at_ms: number | null;
    revoked_at_ms: number | null;
    revoked_by: string | null;
  };
  /** Dashboard sessions; each stands for a token and ends with it. */
  access_sessions: {
    /** SHA-256 of the cookie's secret, hex. */
    secret_hash: string;
    token_id: string;
    created_at_ms: number;
    expires_at_ms: number;
  };
  login_links: {
    /** SHA-256 of the link's code, hex. */
    code_hash: string;
    token_id: string;
    created_at_ms: number;
    created_by: string;
    expires_at_ms: number;
    /** Set by the one use. */
    used_at_ms: number | null;
  };
  /** Every change that a person or an operator's token asked for. */
  audit_log: {
    id: Generated<number>;
    at_ms: number;
    actor_kind: string;
    actor_id: string;
    actor_name: string;
    /** `POST /api/v1/fleet/pools` */
    action: string;
    /** What the path named, `pool_id=coders`; empty where it named nothing. */
    entity: string;
    request_id: string;
    /** started, succeeded, refused or failed. `started` stays when the server died on the way. */
    outcome: string;
    /** JSON object without secrets. */
    details: string;
  };
}
