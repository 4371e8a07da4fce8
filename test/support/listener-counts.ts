/** Figures of a listener thread, each unlike the others, for tests of what becomes of them. */
export const COUNTED = {
  verificationBatches: 1,
  verificationTokens: 12,
  verificationThreadsLost: 2,
  introspectionAttempts: 5,
  redisCommands: 40,
  redisFailures: 3,
  redisWrites: 8,
  rateLimitFallbacks: 3,
  lockouts: 5,
  rateLimitKeysEvicted: 8,
  rateLimitKeysUntracked: 1,
}
/** Of one cache. */
export const COUNTS = {
  puts: 9,
  putsSkipped: 1,
  putsTooLarge: 2,
  putsEnded: 3,
  evictions: 4,
  torn: 5,
}
