export type { EventBus, EventConsumer, EventQuery } from './event-bus.ts';
