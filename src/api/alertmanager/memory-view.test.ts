import { openMemoryView } from './alertmanager-api.test-support.ts';
import { describeAlertmanagerView } from './alertmanager-view.suite.test-support.ts';

describeAlertmanagerView('the one in memory', () => openMemoryView());
