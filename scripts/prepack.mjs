// What `npm pack` and `npm publish` put into the package beside the files of the checkout: the server and the demo's workers as
// plain JavaScript (`dist/omoi`), and the dashboard.
import { buildDashboard, buildPublishedServer } from './checkout.mjs';

await buildPublishedServer();
await buildDashboard();
