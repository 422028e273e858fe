/** Apart from the brokers themselves: the command line is read by every start of punchd. */
export const BROKERS = ['mosquitto', 'aedes'] as const
export type BrokerName = (typeof BROKERS)[number]
