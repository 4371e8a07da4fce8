/**
 * Makes sure that the tests have a `redis-server` to start: quick when there is one, installs it
 * through apt where that is allowed, and otherwise says in one line what to install.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const APT_TIMEOUT_MS = 180_000

/** Whether `redis-server` is on the path and starts. */
function hasRedisServer() {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
}

/** Debian, Ubuntu and those that descend from them say so in `ID` or `ID_LIKE`. */
function isDebianFamily() {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function apt(...words) {
  // RUNLEVEL=1 keeps the package from starting a server of its own: tests start theirs on port 0.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const stdio = ['ignore', 'ignore', 'inherit']
  return spawnSync('apt-get', ['-qq', ...words], { env, stdio, timeout: APT_TIMEOUT_MS }).status
}

/**
 * @returns {string | null} `null` when a server is there, otherwise one line for the user.
 */
export function ensureRedis() {
  if (hasRedisServer()) return null
  if (process.getuid?.() === 0 && isDebianFamily()) {
    process.stdout.write('redis-server is missing: installing it through apt\n')
    apt('update')
    apt('install', '--yes', '--no-install-recommends', 'redis-server')
    if (hasRedisServer()) return null
  }
  return 'The tests need redis-server: install the package redis-server (Debian, Ubuntu) or redis.'
}
