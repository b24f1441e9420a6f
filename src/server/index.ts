export { findServer } from './running-server.ts';
