/** From least to most; `ingest` and `agent` stand beside the ladder viewer < operator < admin. No role implies another. */
export const ROLES = ['ingest', 'agent', 'viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/*
 * Who may call a route, by what it does: reading needs a role that reads; a change of what runs needs an operator;
 * what can make Omoi run a command or let somebody in needs an admin; what an agent says of itself needs that agent's
 * token. Each route names one of these as its `config.access`; docs/access.md lists them all.
 */
export const PUBLIC = 'public';
export const READERS = ['viewer', 'operator', 'admin'] as const;
export const READERS_AND_AGENTS = ['agent', 'viewer', 'operator', 'admin'] as const;
export const AGENTS = ['agent', 'operator', 'admin'] as const;
export const SENDERS = ['ingest', 'operator', 'admin'] as const;
export const SENDERS_AND_AGENTS = ['ingest', 'agent', 'operator', 'admin'] as const;
export const OPERATORS = ['operator', 'admin'] as const;
export const ADMINS = ['admin'] as const;
