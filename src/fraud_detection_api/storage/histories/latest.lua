-- Keeps the latest record of a key: its record, its place in the order of all keys, and until when it lasts, in one step.
-- KEYS, all in one slot of a cluster: the keys in order, the records, and when each key is due to be forgotten. ARGV: the
-- key, the record's time and id (a record of the latest time is kept, of several the one with the highest id), when it was
-- received or '' for now, the record itself, and milliseconds until the key is forgotten. What lies where:
-- latest_redis.py; LatestInMemory does the same. Gives 1 where the record is kept now.
local FORMAT, LEFT_OVERS = '\1', 2
local in_order, records, due = KEYS[1], KEYS[2], KEYS[3]
local key, place, received, record, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function is_later(known)
  local old_time, old_high, old_low = struct.unpack('>i8i4I4', known, 2) -- a number of Lua's is exact to 53 bits only
  local new_time, new_high, new_low = struct.unpack('>i8i4I4', place)
  if new_time ~= old_time then return new_time > old_time end
  if new_high ~= old_high then return new_high > old_high end
  return new_low > old_low
end

local known = redis.call('HGET', records, key)
local is_kept = not known or string.sub(known, 1, 1) ~= FORMAT or is_later(known)
if not is_kept then
  local last = redis.call('ZSCORE', due, key)
  is_kept = not last or tonumber(last) <= now
end
if is_kept then
  if received == '' then received = struct.pack('>i6', now) end
  redis.call('HSET', records, key, FORMAT .. place .. received .. record)
  redis.call('ZADD', in_order, 0, key)
end
redis.call('ZADD', due, now + ttl, key)
for _, old in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, LEFT_OVERS)) do
  redis.call('ZREM', in_order, old)
  redis.call('HDEL', records, old)
  redis.call('ZREM', due, old)
end
for _, each in ipairs(KEYS) do redis.call('PEXPIRE', each, ttl) end
return is_kept and 1 or 0
