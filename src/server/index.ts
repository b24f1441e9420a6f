export { changedInConfiguration } from './changed-meanings.ts';
export { checkFiles, checkTriggers } from './check-files.ts';
export { checkInstallation } from './check-installation.ts';
export { loadConfig, readConfigFile } from './config/load.ts';
export { demoConfig, demoPools, DEMO_WORKERS } from './demo.ts';
export {
  findServer,
  isAlive,
  lastAnnouncement,
  withdrawServer,
  type RunningServer,
} from './running-server.ts';
export { Lifecycle } from './lifecycle.ts';
export { startParts } from './parts.ts';
export { startServer, type RunningOmoi } from './start.ts';
export { triggerText } from './stranger-triggers.ts';
export { keepAliveDuring } from './keep-alive.ts';
