export { ROLES, type ApiApp, type Principal, type Role } from './app.ts';
