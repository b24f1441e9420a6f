// What the tests need beside packages: the programs of others, the dashboard and the server.
import { buildDashboard, buildServer } from './checkout.mjs';
import { installPeers } from './peers.mjs';

installPeers();
await buildDashboard();
await buildServer();
