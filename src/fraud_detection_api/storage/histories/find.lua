-- Gives some keys in order and their latest records, and drops those that are due to be forgotten. KEYS: as latest.lua
-- has them. ARGV: after where and up to where, as ZRANGEBYLEX takes it, and how many keys to look at. Gives the last key
-- that it looked at, or nil where no more follow, and then keys and records in turn.
local LEFT_OVERS = 100
local in_order, records, due = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function drop(key)
  redis.call('ZREM', in_order, key)
  redis.call('HDEL', records, key)
  redis.call('ZREM', due, key)
end

local old = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, LEFT_OVERS)
for _, key in ipairs(old) do drop(key) end
local keys = redis.call('ZRANGEBYLEX', in_order, ARGV[1], ARGV[2], 'LIMIT', 0, ARGV[3])
local found = {#keys == tonumber(ARGV[3]) and keys[#keys] or false}
if #keys == 0 then return found end
for at, record in ipairs(redis.call('HMGET', records, unpack(keys))) do
  local last = #old < LEFT_OVERS or redis.call('ZSCORE', due, keys[at])
  if record and (last == true or last and tonumber(last) > now) then
    found[#found + 1] = keys[at]
    found[#found + 1] = record
  else
    drop(keys[at])
  end
end
return found
