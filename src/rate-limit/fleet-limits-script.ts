/**
 * The script that answers for a whole fleet whether a request may pass. Runs on Redis 6 and later.
 *
 *     KEYS[i]        ARGV[4i-3] .. ARGV[4i]                 the key holds
 *     <prefix>rate:  take    emission   burst   0           theoretical arrival time
 *     <prefix>lock:  locked  0          0       0           failures, and when the last one was;
 *     <prefix>lock:  fail    threshold  window  lockout     or 0, and when the lock ends
 *
 * All numbers are whole microseconds, those since 1970 included: doubles hold them exactly, up to
 * 2^53. One look at the server's clock counts for all questions of a call, and no other clock
 * counts at all. A time that a stricter rule has left is brought back to what this one can leave.
 *
 * A key is set together with its life, in one command, so that none stays without. It lives a
 * second longer than it means anything, because lives begin when the script does and are counted in
 * milliseconds: what it holds decides, and not whether it is there.
 *
 * After a clock that went back, or a rule that allowed more before, a take waits no longer than for
 * a burst that is used up; a lock lasts until the clock says its end.
 *
 * A value that cannot be ours, of whichever kind, ends the script with an error and stays as it is.
 */
import { redisScript } from '../redis/redis-script.ts'

const TEXT = `
if redis.replicate_commands then redis.replicate_commands() end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function whole(number) return string.format('%.0f', number) end

local function keep(key, value, micros)
  redis.call('SET', key, value, 'PX', whole(math.ceil(micros / 1000) + 1000))
end

local function take(key, emission, burst)
  local room = burst * emission
  local stored = tonumber(redis.call('GET', key) or now)
  local arrival = math.max(math.min(stored, now + room), now) + emission
  local left = now + room - arrival
  if left < 0 then
    if stored > now + room then keep(key, whole(now + room), room) end
    return left
  end
  keep(key, whole(arrival), arrival - now)
  return math.floor(left / emission)
end

local function read(key)
  local value = redis.call('GET', key)
  if not value then return 0, now end
  local count, micros = string.match(value, '^(%d+) (%d+)$')
  return count + 0, micros + 0
end

local function locked(key)
  local count, micros = read(key)
  if count > 0 then return 0 end
  return math.max(micros - now, 0)
end

local function fail(key, threshold, window, lockout)
  local count, micros = read(key)
  if count == 0 and micros > now then return 0 end
  if now - micros > window then count = 0 end
  count = count + 1
  if count >= threshold then
    keep(key, '0 ' .. whole(now + lockout), lockout)
    return lockout
  end
  keep(key, whole(count) .. ' ' .. whole(now), window)
  return 0
end

local questions = { take = take, locked = locked, fail = fail }
local answers = {}
for i, key in ipairs(KEYS) do
  local at = 4 * i - 3
  local answer = questions[ARGV[at]]
  answers[i] = answer(key, tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]))
end
return answers`

export const FLEET_LIMITS_SCRIPT = redisScript(TEXT)
