-- Gives back what was known of a key and when this record arrives at it, and adds the record, in one step.
-- What lies where: entry_layout.py and packed.py, whose `remembered` does the same. ARGV: the record's entry without the time
-- of its arrival, the mark of its layout, how many entries are kept, and milliseconds until the key is forgotten, 0 for
-- a dry run, which changes nothing.
local HEADER, ARRIVAL, LATEST = 22, 6, 2 ^ 47 - 2
local entry, mark, kept, ttl = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local pack, unpack, sub = struct.pack, struct.unpack, string.sub
local value, now = redis.call('GET', KEYS[1]), redis.call('TIME')
local received = now[1] * 1000 + math.floor(now[2] / 1000)

if not value then
  if ttl ~= '0' then
    local arrival = pack('>i6', received)
    redis.call('SET', KEYS[1], mark .. '\128\0\0\0\0\0\0\0' .. arrival .. entry .. arrival, 'PX', ttl)
  end
  return {value, received}
end

local size, length = #entry + ARRIVAL, #value
if sub(value, 1, 8) ~= mark or length < HEADER or (length - HEADER) % size ~= 0 or length > HEADER + kept * size then
  return {sub(value, 1, HEADER + 1), received} -- unreadable at this length, too, and however long it was
end

local dropped, last = unpack('>i8i6', value, 9)
received = math.max(received, math.min(last, LATEST) + 1)
local first_id, id, rare = HEADER + 9, sub(entry, 9, 16), sub(entry, 15, 16) -- most ids begin with the same bytes
local at = string.find(value, rare, first_id + 6, true)
while at do
  local start = at - 6
  if (start - first_id) % size == 0 and sub(value, start, start + 7) == id then
    local arrived = unpack('>i6', value, start - 8 + size - ARRIVAL)
    return {value, arrived}
  end
  at = string.find(value, rare, at + 1, true)
end
if ttl == '0' then return {value, received} end

local time, high, low = unpack('>i8i4I4', entry) -- a number of Lua's is exact to 53 bits only
local place = length
while place > HEADER do
  local t, h, l = unpack('>i8i4I4', value, place - size + 1)
  if t < time or (t == time and (h < high or (h == high and l < low))) then break end
  place = place - size
end

local arrival, start, gone, fits = pack('>i6', received), HEADER + 1, sub(value, 9, 16), true
if length >= HEADER + kept * size then -- the earliest one goes, which may be this one
  fits = place > HEADER
  local earliest = sub(fits and value or entry, fits and start or 1, fits and start + 7 or 8)
  if unpack('>i8', earliest) > dropped then gone = earliest end
  if fits then start = start + size end
end
local added = fits and entry .. arrival or ''
redis.call('SET', KEYS[1], mark .. gone .. arrival .. sub(value, start, place) .. added .. sub(value, place + 1), 'PX', ttl)
return {value, received}
