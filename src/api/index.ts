export { ROLES, type AgentScope, type ApiApp, type Principal, type Role } from './app.ts';
