export { ROLES, type AgentScope, type ApiApp, type Principal, type Role } from './app.ts';
export { createAccess, type Access, type AccessOptions, type FirstAdmin } from './access/access.ts';
export { createApi, type Api, type ApiParts } from './create-api.ts';
export { type MetricFamily, type MetricPoint } from './exposition.ts';
