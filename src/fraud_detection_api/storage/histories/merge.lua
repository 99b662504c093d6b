-- Makes one history of the one that is there and a whole one that is filled in; repeated, it changes nothing more.
-- What lies where: entry_layout.py and packed.py, whose `merged` does the same. ARGV: the packed history, the size of an
-- entry, how many are kept, and milliseconds until the key is forgotten. Gives 1, or 0 where what is there is unreadable.
local HEADER, NO_LABEL = 22, '\0\0\0\0'
local other, size, kept, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local unpack, sub = struct.unpack, string.sub
local value = redis.call('GET', KEYS[1])
if not value then
  redis.call('SET', KEYS[1], other, 'PX', ttl)
  return 1
end
if sub(value, 1, 8) ~= sub(other, 1, 8) or #value < HEADER or (#value - HEADER) % size ~= 0 then return 0 end

local entries, places = {}, {}
local function add(history)
  for at = HEADER + 1, #history, size do
    local entry = sub(history, at, at + size - 1)
    local id = sub(entry, 9, 16)
    local known = places[id]
    if not known then
      local time, high, low = unpack('>i8i4I4', entry)
      places[id] = {time = time, high = high, low = low, entry = entry}
      entries[#entries + 1] = places[id]
    elseif sub(known.entry, 17, 20) == NO_LABEL then
      known.entry = sub(known.entry, 1, 16) .. sub(entry, 17, 20) .. sub(known.entry, 21)
    end
  end
end
add(value)
add(other)
table.sort(entries, function(a, b)
  if a.time ~= b.time then return a.time < b.time end
  if a.high ~= b.high then return a.high < b.high end
  return a.low < b.low
end)

local gone, last = sub(value, 9, 16), sub(value, 17, 22)
local function drop(time)
  if unpack('>i8', time) > unpack('>i8', gone) then gone = time end
end
drop(sub(other, 9, 16))
if unpack('>i6', sub(other, 17, 22)) > unpack('>i6', last) then last = sub(other, 17, 22) end
local parts, first = {}, math.max(#entries - kept, 0)
for at, each in ipairs(entries) do
  if at <= first then drop(sub(each.entry, 1, 8)) else parts[#parts + 1] = each.entry end
end
redis.call('SET', KEYS[1], sub(value, 1, 8) .. gone .. last .. table.concat(parts), 'PX', ttl)
return 1
